"""Stands between a client and a server, so that a test can take the server away."""

import contextlib
import socket
import threading
from typing import Self

_BUFFER = 64 * 1024


class Relay:
    """Passes on what comes, between ``start`` and ``stop``, always at the same address."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._at = ("127.0.0.1", 0)
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://{self._at[0]}:{self._at[1]}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        listening = socket.create_server(self._at)
        self._at = listening.getsockname()
        self._open = [listening]
        threading.Thread(target=self._accept, args=[listening], daemon=True).start()

    def stop(self) -> None:
        """Refuse connections, and break those there are."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listening.accept()
                there = socket.create_connection(self._to)
                self._open += [here, there]
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=_pass_on, args=[source, sink], daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(_BUFFER):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)
