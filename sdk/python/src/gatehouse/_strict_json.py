"""JSON that can be read in one way only."""

import json


def _members_once(members: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a member is there twice")
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


# The parser's defaults take the last of two members of one name, and NaN and Infinity.
_DECODER = json.JSONDecoder(object_pairs_hook=_members_once, parse_constant=_refuse_constant)


def read_object(text: bytes) -> dict[str, object] | None:
    """Read an object in UTF-8; anything else is None, and so is a member that is there twice.

    It raises nothing, since the parser's errors quote what they could not read.
    """
    try:
        value = _DECODER.decode(text.decode("utf-8"))
    except (ValueError, RecursionError):  # the latter for brackets in brackets without end
        return None
    return value if isinstance(value, dict) else None
