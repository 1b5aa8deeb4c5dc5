"""A server on this machine that has one file, and may do what servers do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import attrs


@attrs.define
class Served:
    """What is served, and how.

    Attributes:
        content: Of every path but /missing.
        sent: Bytes after which the connection ends; all of them unless given.
        asked: The paths that were asked for.
    """

    content: bytes
    sent: int | None = None
    asked: list[str] = attrs.field(factory=list)
    address: str = ""


@contextmanager
def serving(content: bytes) -> Iterator[Served]:
    """A server at `address`, until the end."""
    served = Served(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            if self.path == "/missing":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(served.content)))
            self.end_headers()
            self.wfile.write(served.content[: served.sent])

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        served.address = f"http://127.0.0.1:{server.server_port}"
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
