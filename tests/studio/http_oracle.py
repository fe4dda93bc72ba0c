"""The studio's server against a hostile network, by sockets of our own: who may ask, what is refused, and that nothing
stops it: malformed requests, event streams cut off at any moment, many tabs, clients that never read.

NOISESCOPE_ATTACKS: malformed requests (default 1,500).
"""

import http.client
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

BUILD = pathlib.Path(os.environ["NOISESCOPE_BUILD"])
ATTACKS = int(os.environ.get("NOISESCOPE_ATTACKS", "1500"))
PROMPT = "a red square left of a blue disc on dark"


class Server:
    def __init__(self):
        self.process = subprocess.Popen([BUILD / "noisescope", "studio", "world", "--port", "0", "--no-open"],
                                        stdout=subprocess.PIPE, text=True)
        address = self.process.stdout.readline().split()[-1]
        self.port = int(address.split(":")[2].split("/")[0])
        self.token = address.split("token=")[1]

    def raw(self, data, wait=2.0):
        """What comes back for these bytes, at most 64 KiB."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as line:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while len(answer) < 1 << 16 and (part := line.recv(1 << 16)):
                    answer += part
            except OSError:
                pass
            return answer

    def ask(self, method, path, body=None, **headers):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        text = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        line.request(method, path, text, {"Authorization": f"Bearer {self.token}", **headers})
        answer = line.getresponse()
        data = answer.read()
        line.close()
        return answer.status, answer, data

    def json(self, method, path, body=None):
        status, _, data = self.ask(method, path, body)
        assert status in (200, 202), (method, path, status, data[:300])
        return json.loads(data)

    def memory(self):
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def draw(self):
        branch = self.json("POST", "/api/branches", {"prompt": PROMPT, "options": {"grid.steps": 10}})
        while branch["state"] in ("queued", "drawing"):
            branch = self.json("GET", f"/api/branches/{branch['id']}")
        assert branch["state"] == "done", branch
        return branch["id"]

    def listen(self, after=0):
        line = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        line.sendall(f"GET /api/events?after={after} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                     f"Authorization: Bearer {self.token}\r\n\r\n".encode())
        return line


def check_who_may_ask(server):
    host = f"127.0.0.1:{server.port}"
    cases = [({"Authorization": ""}, 401), ({"Authorization": "Bearer 0"}, 401), ({"Host": "rebound.example"}, 403),
             ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": f"http://{host}"}, 200),
             ({"Authorization": "", "Cookie": f"noisescope-{server.port}={server.token}"}, 200),
             ({"Authorization": "", "Cookie": f"noisescope-1={server.token}"}, 401)]
    for headers, expected in cases:
        for path in ("/api/model", "/", "/api/events?after=0"):
            if expected == 200 and "events" in path:
                continue
            assert server.ask("GET", path, **headers)[0] == expected, (headers, path)
    page = server.ask("GET", "/", Authorization="")[2]
    assert b"<h1>" in page and b"noisescope studio" in page and server.token.encode() not in page
    status, answer, _ = server.ask("GET", f"/?token={server.token}", Authorization="")
    cookie = answer.headers["Set-Cookie"]
    assert status == 303 and "HttpOnly" in cookie and "SameSite=Strict" in cookie, cookie
    policy = server.ask("GET", "/api/model")[1].headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy, policy
    assert not server.ask("GET", "/api/model")[1].headers["Access-Control-Allow-Origin"]


def check_paths_and_bodies(server):
    branch = server.draw()
    own = f"/api/branches/{branch}/states"
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../CMakeLists.txt",
                 "/..%2f..%2fetc/passwd", "/api/answers/1/files/..%2f..%2fetc%2fpasswd",
                 "/api/training/previews/..", "/api/nothing", f"{own}/99", f"{own}/1/nothing/0.png", f"{own}/1/x/9.png",
                 "/api/branches/999999999999999999999", "/api/report?branches="):
        status, _, data = server.ask("GET", path)
        assert status in (400, 404), (path, status)
        assert b"root:" not in data
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"prompt":{}}', b"[" * 100000,
                 b'{"prompt":"' + b"a" * 5000 + b'"}'):
        status, _, data = server.ask("POST", "/api/branches", body)
        assert status == 400 and json.loads(data)["error"], (body[:20], status)
    assert server.ask("POST", "/api/branches", b"x" * (2 << 20))[0] == 413
    assert server.ask("POST", f"/api/branches/{branch}/why", {"words": ["hippo"]})[0] == 202  # refused by its job
    assert server.ask("POST", f"/api/branches/{branch}/ask", {"method": "nothing"})[0] == 400
    for body in ({}, [], {"guidance": "x"}, {"change": {}}, {"change": {"turn": True}, "steps": [1e9]}):
        assert server.ask("POST", f"/api/branches/{branch}/sweep", body)[0] == 400, body


def malformed(random_numbers, host, token):
    """A request that is wrong in one of many ways."""
    verb = random_numbers.choice(["GET", "POST", "DELETE", "PUT", "X"])
    path = random_numbers.choice(["/api/model", "/api/branches", "/api/branches/1", "/api/words", "/"])
    good = (f"{verb} {path} HTTP/1.1\r\n"
            f"Host: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 11\r\n\r\n" + '{"prompt":1').encode()
    kind = random_numbers.randrange(6)
    if kind == 0:
        return random_numbers.randbytes(random_numbers.randrange(1, 400))
    if kind == 1:
        return good[:random_numbers.randrange(len(good))]
    if kind == 2:
        at = random_numbers.randrange(len(good))
        return good[:at] + random_numbers.randbytes(random_numbers.randrange(1, 9)) + good[at:]
    if kind == 3:
        return good.replace(b"Content-Length: 11", b"Content-Length: " + random_numbers.choice(
            [b"-1", b"99999999999999999999", b"1e9", b"", b"5"]))
    if kind == 4:
        return good.replace(b"Content-Length: 11", b"Transfer-Encoding: chunked").replace(
            b'{"prompt":1', random_numbers.choice([b"zz\r\n", b"5\r\nab", b"ffffffffffffffff\r\na", b"0\r\n\r\n"]))
    return good.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * random_numbers.randrange(20000) + b"\r\n\r\n")


def check_malformed(server):
    random_numbers = random.Random(1)
    host = f"127.0.0.1:{server.port}"
    before = server.memory()
    for count in range(ATTACKS):
        data = malformed(random_numbers, host, server.token)
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
            try:
                line.sendall(data)
                if count % 3 == 0:
                    line.shutdown(socket.SHUT_WR)
                    line.recv(1 << 12)
            except OSError:
                pass  # it hung up on us
    assert server.json("GET", "/api/model")["name"] == "exact demo"
    return before, server.memory()


def check_streams(server):
    """Streams cut off at random, and what was missed is heard on the next one."""
    random_numbers = random.Random(2)
    for _ in range(200):
        line = server.listen()
        if random_numbers.random() < 0.7:
            line.recv(random_numbers.randrange(1, 4000))
        line.close()
    line = server.listen(after=0)
    text = b""
    while b"event: deleted" not in text and b"id: 5\n" not in text:
        text += line.recv(1 << 16)
    line.close()
    last = 3
    line = server.listen(after=last)
    text = line.recv(1 << 16)
    while b"id: " not in text:
        text += line.recv(1 << 16)
    assert f"id: {last + 1}\n".encode() in text, text[:300]
    line.close()
    line = server.listen(after=10**9)  # of a server that is no more
    text = line.recv(1 << 16)
    while b"event:" not in text:
        text += line.recv(1 << 16)
    assert b"event: reset" in text
    line.close()


def check_many_tabs(server):
    """Fifty listeners, ten of which never read, and a drawing that all others hear."""
    last = int(server.json("GET", "/api/jobs")["jobs"][-1]["id"])
    listeners = [server.listen(after=0) for _ in range(50)]
    begun = time.monotonic()
    branch = server.draw()
    for line in listeners[10:]:
        line.settimeout(10)
        text = b""
        while f'"branch":{branch},"state":10'.encode() not in text:
            part = line.recv(1 << 16)
            assert part, "a stream ended"
            text = (text + part)[-200000:]
    seconds = time.monotonic() - begun
    for line in listeners:
        line.close()
    assert server.json("GET", "/api/jobs")["jobs"][-1]["id"] > last
    return seconds


def check_memory(server):
    """Drawn and deleted again and again."""
    for _ in range(20):
        server.json("DELETE", f"/api/branches/{server.draw()}")
    before = server.memory()
    for _ in range(150):
        branch = server.draw()
        server.ask("GET", f"/api/branches/{branch}/states/10")
        server.json("DELETE", f"/api/branches/{branch}")
    return before, server.memory()


def main():
    server = Server()
    try:
        check_who_may_ask(server)
        check_paths_and_bodies(server)
        check_streams(server)
        attacked = check_malformed(server)
        tabs = check_many_tabs(server)
        drawn = check_memory(server)
        print(f"{ATTACKS} malformed requests: {attacked[0]:.0f} to {attacked[1]:.0f} MB; 50 tabs heard a drawing "
              f"within {tabs:.2f} s; 150 drawings: {drawn[0]:.0f} to {drawn[1]:.0f} MB")
        assert attacked[1] < attacked[0] + 60 and drawn[1] < drawn[0] + 40
        assert server.process.poll() is None
    finally:
        server.process.terminate()
        assert server.process.wait(timeout=20) in (0, 130, -15), "it did not end"


if __name__ == "__main__":
    sys.exit(main())
