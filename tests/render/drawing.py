"""The page that draws dashboards: made with npm, served on loopback, photographed."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.render.asking import height

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / ".tools" / "render"
ICONS = FOLDER / "node_modules" / "@grafana" / "ui" / "dist" / "public"
PINS = HERE / "package.json"
NPM = ("npm", "install", "--legacy-peer-deps", "--no-package-lock", "--no-audit", "--no-fund")
WIDTH = 1400
SETTLED_MS = 20_000
INSTALL_SECONDS = 600
HTML = """\
<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/page.css">
<style>body {margin: 0}</style>
<div id="page"></div>
<script>window.grafanaBootData = {settings: {buildInfo: {}, featureToggles: {}}};</script>
<script src="/page.js"></script>
"""
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class CannotDrawError(Exception):
    """Something that draws is missing or failed; the message is one sentence."""


def prepare():
    """Install what the page is made of, where its pins have changed, and make it."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise CannotDrawError("drawing dashboards needs Node.js with npm, and PATH has none")
    FOLDER.mkdir(parents=True, exist_ok=True)
    installed = FOLDER / PINS.name
    if not installed.is_file() or installed.read_bytes() != PINS.read_bytes():
        installed.unlink(missing_ok=True)
        pinned = FOLDER / "node_modules"
        shutil.rmtree(pinned, ignore_errors=True)
        installed.write_bytes(PINS.read_bytes())
        try:
            run(*NPM)
        except CannotDrawError:
            installed.unlink()
            raise
    run("node", str(HERE / "bundle.mjs"), str(FOLDER))


def run(*command):
    """Run a program of Node's; its last words are the error."""
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        raise CannotDrawError(f"{command[0]} failed: {(done.stderr or done.stdout)[-1500:]}")


class Handler(BaseHTTPRequestHandler):
    """Answers a page with its parts, and keeps what it reports."""

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/page":
            self._send(HTML.encode(), "text/html")
        elif path == "/drawn.json":
            self._send(json.dumps(self.server.drawn).encode(), "application/json")
        else:
            self._send_file(path)

    def _send_file(self, path):
        folder = ICONS if path.startswith("/public/build/") else FOLDER
        file = (folder / path.removeprefix("/public/build/").lstrip("/")).resolve()
        if file.is_relative_to(FOLDER) and file.suffix in TYPES and file.is_file():
            self._send(file.read_bytes(), TYPES[file.suffix])
        else:
            self.send_error(404)

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.report = json.loads(said)
        self._send(b"", "text/plain")

    def _send(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Be silent."""


@contextmanager
def served():
    """Serve the page on loopback; what it shows is set on the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def draw(browser, server, board, data, picture):
    """Photograph a dashboard with its answers; return what each panel shows."""
    server.drawn, server.report = data, None
    url = f"http://127.0.0.1:{server.server_port}/page"
    browser.photograph(url, picture, (WIDTH, height(board)), SETTLED_MS)
    if not isinstance(server.report, list):
        raise CannotDrawError(f"the page of {board['uid']} did not draw: {server.report}")
    return server.report


def shrink(pictures):
    """Write pictures anew with a palette."""
    run("node", str(HERE / "shrink.mjs"), str(FOLDER), *map(str, pictures))
