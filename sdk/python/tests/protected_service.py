"""Runs a service in a real uvicorn, as its authors would."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

_PATIENCE = 60.0
_FOLDER = Path(__file__).parent / "protected_app"


@contextmanager
def running(
    settings: Mapping[str, str], log: Path, app: str = "main:app", folder: Path = _FOLDER
) -> Iterator[httpx.Client]:
    """Start it with these variables and yield a client of it."""
    uvicorn = [sys.executable, "-m", "uvicorn", app]
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        log.open("w") as errors,
        subprocess.Popen(
            [*uvicorn, "--fd", str(listening.fileno())],
            pass_fds=[listening.fileno()],
            cwd=folder,
            env=os.environ | settings,
            stderr=errors,
        ) as process,
    ):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=_PATIENCE, trust_env=False) as client:
                yield client
        finally:
            process.terminate()
            ended = process.wait(_PATIENCE)
    assert ended == -signal.SIGTERM
