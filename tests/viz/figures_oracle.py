"""Readers of the standard library and Pillow open one of every kind of figure: the SVG files are
XML, the page is HTML that asks nobody for anything, the pictures decode."""

import base64
import html.parser
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "img", "br", "link", "input"}
failures = 0


def check(what, actual, good):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: {actual}")


class Page(html.parser.HTMLParser):
    """Tags in order, attributes, and whether every tag that opens closes."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.unbalanced = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def values(self, tag, key):
        return [attributes.get(key) for name, attributes in self.tags if name == tag]


def check_svg(path):
    root = xml.parse(path).getroot()
    check(f"{path.name} root", root.tag, root.tag == SVG + "svg")
    texts = [e.text or "" for e in root.iter(SVG + "text")]
    title = root.find(SVG + "title").text
    check(f"{path.name} title", title, bool(title) and " ".join(texts).startswith(title))
    check(f"{path.name} description", root.find(SVG + "desc").text, root.find(SVG + "desc").text)
    numbers = [v for e in root.iter() for k, v in e.attrib.items()
               if k in ("x", "y", "d", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height")]
    check(f"{path.name} coordinates", len(numbers),
          not any("nan" in v or "inf" in v for v in numbers))


def check_page(path):
    text = path.read_text("utf-8")
    page = Page()
    page.feed(text)
    page.close()
    check("tags close", page.unbalanced + page.open, not page.unbalanced and not page.open)
    sources = page.values("img", "src")
    check("pictures", len(sources), len(sources) == 3)
    for source in sources:
        head, data = source.split(",", 1)
        picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        picture.load()
        check(f"{head} opens", picture.size, f"data:image/{picture.format.lower()};base64" == head)
    check("alternative texts", page.values("img", "alt"), all(page.values("img", "alt")))
    links = page.values("a", "href")
    check("links", links, all(link.startswith("#") for link in links))
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    check("links lead somewhere", sorted(ids), {link[1:] for link in links} <= ids)
    active = [tag for tag, attributes in page.tags
              if tag in ("script", "iframe", "object", "embed", "link", "base", "form")
              or any(key.startswith("on") for key in attributes)]
    check("nothing active", active, not active)
    asks = [word for word in ("http:", "https:", "url(", "@import", "srcset") if word in text]
    check("nothing from outside", asks, not asks)


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [BUILD / "tests" / "viz_test", "--gtest_filter=Gallery.*", "--gtest_brief=1"],
            env={**os.environ, "NOISESCOPE_GALLERY": folder}, check=True,
            stdout=subprocess.DEVNULL)
        gallery = pathlib.Path(folder)
        drawings = sorted(gallery.glob("*.svg"))
        check("drawings", len(drawings), len(drawings) == 3)
        for path in drawings:
            check_svg(path)
        for path in sorted(gallery.glob("*.png")):
            with Image.open(path) as picture:
                picture.load()
                check(path.name, picture.size, picture.mode == "RGB")
        check_page(gallery / "report.html")
    return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
