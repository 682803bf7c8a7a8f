"""A small HTTP server that plays the auth service and the issuer of tokens."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Self

ACTOR = {
    "actor_id": "user:93",
    "actor_type": "human",
    "microdao_ids": ["microdao:daarion", "microdao:7"],
    "roles": ["member", "microdao_owner"],
    "user_id": "93",
}


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    """Names are lower case."""


@dataclass
class Reply:
    status: int = 200
    body: object = field(default_factory=lambda: ACTOR)
    """Bytes as they are; anything else as JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    write: Callable[[socket.socket], None] | None = None
    """Writes the whole answer to the connection instead."""


Answering = Callable[[Asked], Reply]


class Service:
    """Answers every GET with ``answer``, which a test may change at any time."""

    def __init__(self) -> None:
        self.answer: Answering = lambda _: Reply()
        self.asked: list[Asked] = []
        self.connections = 0
        self._server = _server_of(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.001}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of five at the most, many connections at a time would be lost

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks the DNS for its own name
        self.server_port = self.socket.getsockname()[1]


def _server_of(service: Service) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or the body waits 40 ms until the headers are acknowledged

        def setup(self) -> None:
            super().setup()
            service.connections += 1

        def do_GET(self) -> None:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
            service.asked.append(asked)
            reply = service.answer(asked)
            if reply.write is not None:
                self.close_connection = True
                with contextlib.suppress(OSError):  # the other side had enough
                    reply.write(self.connection)
                return
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    return _Server(("127.0.0.1", 0), Handler)
