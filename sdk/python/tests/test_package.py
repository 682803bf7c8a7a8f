"""What is shipped, and what it needs."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHEELS = Path(sys.prefix) / "wheels"
"""What ``check`` has downloaded of what the package needs."""


def _run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _python(*arguments: str) -> str:
    return _run(sys.executable, *arguments)


@pytest.fixture(scope="module")
def built() -> Path:
    """A folder with the sdist, and the wheel that is made of nothing else."""
    folder = Path(sys.prefix) / "built"
    shutil.rmtree(folder, ignore_errors=True)
    build = (sys.executable, "-m", "hatchling", "build", "-d", folder, "-t")
    _run(*build, "sdist")
    (sdist,) = folder.glob("gatehouse-*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    _run(*build, "wheel", cwd=folder / sdist.name.removesuffix(".tar.gz"))
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("gatehouse-*-py3-none-any.whl")
    return wheel


def test_wheel_has_both_modules_and_their_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = ROOT / "src"
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    assert names == {name for name in files if "__pycache__" not in name}
    assert {"gatehouse/py.typed", "actor_context/py.typed", "gatehouse/bench.py"} <= names


def test_sdist_has_nothing_else(built: Path) -> None:
    (folder,) = [path for path in built.iterdir() if path.is_dir()]
    generated = {"PKG-INFO", ".gitignore"}
    assert {path.name for path in folder.iterdir()} - generated == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src",
    }


def test_metadata_says_what_it_is_and_under_which_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (info,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = message_from_string(archive.read(info).decode())
        shipped = archive.read(info.replace("METADATA", "licenses/LICENSE")).decode()
    assert (metadata["Name"], metadata["License-Expression"]) == ("gatehouse", "Apache-2.0")
    assert metadata["Requires-Python"] == ">=3.11"
    assert shipped == (ROOT.parents[1] / "LICENSE").read_text()
    assert metadata.get_payload() == (ROOT / "README.md").read_text()


def test_wheel_works_where_nothing_else_is_installed(wheel: Path, tmp_path: Path) -> None:
    """FastAPI neither: live tests install that as well, as the README says."""
    assert WHEELS.is_dir(), "run ./check, which downloads them"
    _python("-m", "venv", "--without-pip", str(tmp_path))
    python = tmp_path / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", "--no-index", "--no-compile", "-f", WHEELS, wheel)

    program = """
import gatehouse, gatehouse.bench
with gatehouse.Verifier() as verifier:
    print(gatehouse.__file__, verifier)
for module in ("gatehouse", "actor_context"):
    try:
        exec(f"from {module} import require_actor")
    except ImportError as error:
        print(error)
"""
    where, *errors = _run(python, "-W", "error", "-c", program, cwd=tmp_path).splitlines()
    assert where.startswith(str(tmp_path))
    assert errors == ["require_actor needs FastAPI: pip install 'gatehouse[fastapi]'"] * 2


def test_fastapi_is_only_imported_for_its_users() -> None:
    loaded = "import sys, gatehouse; print('fastapi' in sys.modules, 'sqlalchemy' in sys.modules)"
    assert _python("-c", loaded).split() == ["False", "False"]


def test_everything_exported_is_there_and_described() -> None:
    import actor_context
    import gatehouse

    for module in (gatehouse, actor_context):
        for name in module.__all__:
            assert name == "ActorType" or getattr(module, name).__doc__, name
