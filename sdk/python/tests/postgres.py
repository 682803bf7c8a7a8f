"""A real Postgres of its own, in a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_PATIENCE = 60.0
_SETTINGS = {"listen_addresses": "", "fsync": "off", "timezone": "UTC"}


@contextmanager
def running() -> Iterator[Path]:
    """Start one and yield the folder of its socket; the user and database are "postgres"."""
    programs = _programs()
    # Postgres refuses to be root.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-"))
    try:
        folder.chmod(0o755)
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = folder / "data"
        initdb = [str(programs / "initdb"), f"--pgdata={data}", "--username=postgres", "--no-sync"]
        subprocess.run(
            [*initdb, "--auth=trust", "--encoding=UTF8", "--locale=C"],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = _SETTINGS | {"unix_socket_directories": str(folder)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(
                [programs / "postgres", "-D", data, *options], user=user, cwd=folder, stderr=log
            ) as server,
        ):
            try:
                _wait_for(folder)
                yield folder
            finally:
                server.send_signal(signal.SIGINT)  # ends connections and then itself
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    for folder in (*on_path, *debian):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise AssertionError("Postgres is missing: there is no folder with initdb and postgres")


def _wait_for(folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise AssertionError((folder / "log").read_text()) from None
            time.sleep(0.02)
        else:
            return
