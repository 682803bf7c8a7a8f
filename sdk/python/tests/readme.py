"""The blocks of code in the README."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Language and text of each, in order."""
    return [(found[1], found[2]) for found in _BLOCK.finditer(README.read_text("utf-8"))]


def block(language: str, containing: str) -> str:
    """The one block that has this in it."""
    (text,) = [text for kind, text in blocks() if kind == language and containing in text]
    return text
