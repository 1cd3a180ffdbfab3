"""The server of the live view: the standard library's, on 127.0.0.1 only, answering this machine's browser only.

    GET /            the page, and the files beside it
    GET /events      what there is to see, as server-sent events: first the scene, then news for ever
    POST /do         a command, as JSON

A page of another origin can neither read (no header allows it, and a foreign Host is refused) nor command (a foreign
Origin is refused). The page may load from here alone: its Content-Security-Policy says so to the browser.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from experiments.app.stage import Stage
from sim.config import BadInput

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
FILES = {"/": ("index.html", "text/html"), "/page.css": ("page.css", "text/css"),
         "/page.js": ("page.js", "text/javascript"), "/pictures.js": ("pictures.js", "text/javascript"),
         "/curves.js": ("curves.js", "text/javascript")}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
LARGEST = 1 << 16  # bytes of a command
BREATH = 0.03  # seconds between two news: a screen shows no more, days in between are in the next
QUIET = 10.0  # seconds without news, after which a sign of life is sent


class Server(ThreadingHTTPServer):
    """Serves a stage. port: 0 takes a free one, see `address`. Raises: BadInput for a port that is taken."""

    daemon_threads = True
    block_on_close = False  # spectators who stay are let go by the stage

    def __init__(self, stage: Stage, port: int):
        self.stage = stage
        try:
            super().__init__((HOST, port), Answer)
        except OSError as error:
            raise BadInput(f"--port {port}: {error.strerror}; expected a free one, or 0 for any") from None

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://{HOST}:{self.server_address[1]}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser on this machine may call it."""
        return tuple(f"{name}:{self.server_address[1]}" for name in (HOST, "localhost"))

    def handle_error(self, request, client_address):
        """Keep silent about spectators who leave in the middle; tell of everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Answer(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self):
        """A file of the page, or the events."""
        path = self.path.partition("?")[0]
        if not self._is_ours():
            self._say(HTTPStatus.FORBIDDEN, "not a name of this server")
        elif path == "/events":
            self._events()
        elif path in FILES:
            name, kind = FILES[path]
            self._send(HTTPStatus.OK, (PAGE / name).read_bytes(), f"{kind}; charset=utf-8")
        else:
            self._say(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self):
        """A command."""
        origin = self.headers.get("Origin", "")
        if not self._is_ours() or (origin and origin not in [f"http://{host}" for host in self.server.hosts]):
            return self._refuse(HTTPStatus.FORBIDDEN, "commands of other pages are not taken")
        if self.path != "/do":
            return self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            return self._refuse(HTTPStatus.BAD_REQUEST, "expected a short command")
        try:
            asked = json.loads(self.rfile.read(int(length)))
            if not isinstance(asked, dict):
                raise BadInput("expected a JSON object")
            self.server.stage.command(asked)
        except (BadInput, ValueError, RecursionError) as error:
            return self._say(HTTPStatus.BAD_REQUEST, str(error))
        return self._say(HTTPStatus.OK, "")

    def _is_ours(self) -> bool:
        return self.headers.get("Host", "") in self.server.hosts

    def _refuse(self, status: HTTPStatus, why: str):
        """Answer without reading what else was sent."""
        self.close_connection = True
        self._say(status, why)

    def _say(self, status: HTTPStatus, text: str):
        self._send(status, json.dumps({"fault": text}).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str):
        self._head(status, kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, kind: str):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")

    def _events(self):
        """Server-sent events until the spectator leaves or the stage closes."""
        self.close_connection = True
        self._head(HTTPStatus.OK, "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for text in news(self.server.stage):
            self.wfile.write(text.encode())
            self.wfile.flush()

    def log_message(self, *args):
        """Say nothing: the terminal belongs to who started the app."""


def news(stage: Stage) -> Iterator[str]:
    """The scene, then whatever is new, as server-sent events."""
    yield _event("scene", stage.scene())
    seen, version = {}, -1
    while True:
        with stage.news:
            stage.news.wait_for(lambda: stage.version != version or stage.closed, QUIET)  # noqa: B023 called at once
            if stage.closed:
                return
            found = stage.look(seen) if stage.version != version else None
            version = stage.version
        yield _event("news", found) if found else ": still here\n\n"
        time.sleep(BREATH)


def _event(name: str, data: dict) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(',', ':'))}\n\n"


def serve(stage: Stage, port: int, ready: Callable[[str], None]):
    """Serve a stage until somebody stops the process (Ctrl-C). ready: told the address. Raises: BadInput."""
    with Server(stage, port) as server:
        stage.start()
        ready(server.address)
        try:
            server.serve_forever()
        finally:
            stage.close()
