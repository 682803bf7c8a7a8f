"""The cases that the SDKs of all languages share."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2] / "vectors"


def read(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((_FOLDER / name).read_text("utf-8"))
    assert vectors["cases"], f"{name} has no cases"
    return vectors


def cases(name: str) -> list[dict[str, Any]]:
    return list(read(name)["cases"])


def name_of(case: dict[str, Any]) -> str:
    return str(case["name"])
