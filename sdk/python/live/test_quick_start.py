"""The quick start of the README, word for word: only hosts, ports and folders are others."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import readme
from people import variable

REPOSITORY = Path(__file__).parents[3]
WHEELS = Path(sys.prefix) / "wheels"
PATIENCE = 60.0


def adapted(text: str, port: int, beside: Path) -> str:
    changes = {
        "http://localhost:7011": variable("AUTH_SERVICE_URL"),
        "http://localhost:9000": f"http://127.0.0.1:{port}",
        "--port 9000": f"--port {port}",
        "../hello": str(beside / "hello"),
    }
    for documented, here in changes.items():
        text = text.replace(documented, here)
    return text


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the service of the README runs, which was installed and started as it says there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    beside = tmp_path_factory.mktemp("readme")
    # A copy, since building leaves files in a folder; and the packages that check downloaded.
    ignored = shutil.ignore_patterns(".cache", "__pycache__")
    shutil.copytree(REPOSITORY / "sdk/python", beside / "sdk/python", ignore=ignored)
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELS)}
    script = adapted(readme.block("sh", "cat >main.py"), port, beside)
    script = script.replace("\nbin/uvicorn", "\nexec bin/uvicorn")  # so that it can be ended
    with subprocess.Popen(["bash", "-euc", script], cwd=beside, env=environment) as service:
        try:
            _wait_for(port, service)
            yield port
        finally:
            service.terminate()
    shutil.rmtree(beside)


def _wait_for(port: int, service: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert service.poll() is None, "it ended by itself"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, "it does not come up"
            time.sleep(0.05)
        else:
            return


def test_quick_start_answers_what_it_says(port: int, tmp_path: Path) -> None:
    text = readme.block("sh", "TOKEN=")
    expected = re.findall(r"^curl .*? # (.*)$", text, re.MULTILINE)
    assert len(expected) == 3
    script = re.sub(r"^(curl .*?) # .*$", r"\1; echo", text, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-euc", adapted(script, port, tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"no_proxy": "*"},
    )
    assert done.stdout.splitlines() == expected
