"""web/engine.wasm is what tools/live/build_wasm.sh makes of its sources, and answers as the library does.

Skips aloud what needs emscripten or node where they are not there.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORED = ROOT / "web" / "engine.wasm"

# Opens a file that is no model, and asks without one: the texts of the library must come back.
ASK = """
import { readFileSync } from 'node:fs';
const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const imports = {};
for (const i of WebAssembly.Module.imports(module)) (imports[i.module] ??= {})[i.name] = () => 52;
const { exports: e } = await WebAssembly.instantiate(module, imports);
e._initialize();
const text = (at) => {
  const memory = new Uint8Array(e.memory.buffer);
  return new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)));
};
const put = (bytes) => {
  const at = e.noisescope_room(bytes.length);
  new Uint8Array(e.memory.buffer).set(bytes, at);
  return at;
};
const bytes = new TextEncoder().encode('no model at all');
const request = new TextEncoder().encode('{"call": "model"}');
const refused = text(e.noisescope_load(put(bytes), bytes.length));
console.log(JSON.stringify([refused, JSON.parse(text(e.noisescope_call(put(request), request.length)))]));
"""


def check_bytes():
    if not shutil.which("em++"):
        print("skipped: no emscripten to build engine.wasm with")
        return
    with tempfile.TemporaryDirectory() as folder:
        built = pathlib.Path(folder) / "engine.wasm"
        subprocess.run([ROOT / "tools" / "live" / "build_wasm.sh", built], check=True, stdout=subprocess.DEVNULL)
        if built.read_bytes() != STORED.read_bytes():
            sys.exit("web/engine.wasm is not what the sources make; run tools/live/build_wasm.sh")
    print("web/engine.wasm is what its sources make")


def check_answers():
    if not shutil.which("node"):
        print("skipped: no node to run engine.wasm with")
        return
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "ask.mjs"
        script.write_text(ASK)
        run = subprocess.run(["node", script, STORED], check=True, capture_output=True, text=True)
    refused, answer = json.loads(run.stdout)
    assert "the model of this page" in refused, refused
    assert "loaded first" in answer["error"], answer
    print("engine.wasm refuses as the library does:", refused)


check_answers()
check_bytes()
