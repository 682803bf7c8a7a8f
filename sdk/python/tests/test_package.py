"""What is shipped, and what it needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _python(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout


def test_wheel_has_both_modules_and_their_types(tmp_path: Path) -> None:
    _python("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    (wheel,) = tmp_path.glob("gatehouse-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"gatehouse", "actor_context"}
    assert {"gatehouse/py.typed", "actor_context/py.typed", "gatehouse/bench.py"} <= set(names)


def test_fastapi_is_only_imported_for_its_users() -> None:
    loaded = "import sys, gatehouse; print('fastapi' in sys.modules, 'sqlalchemy' in sys.modules)"
    assert _python("-c", loaded).split() == ["False", "False"]


def test_without_fastapi_the_message_says_what_to_install() -> None:
    without = """
import sys
sys.modules["fastapi"] = None
from gatehouse import ActorIdentity, AsyncVerifier, Verifier, set_row_security
for module in ("gatehouse", "actor_context"):
    try:
        exec(f"from {module} import require_actor")
    except ImportError as error:
        print(error)
"""
    assert (
        _python("-c", without).splitlines()
        == ["require_actor needs FastAPI: pip install 'gatehouse[fastapi]'"] * 2
    )


def test_everything_exported_is_there_and_described() -> None:
    import actor_context
    import gatehouse

    for module in (gatehouse, actor_context):
        for name in module.__all__:
            assert name == "ActorType" or getattr(module, name).__doc__, name
