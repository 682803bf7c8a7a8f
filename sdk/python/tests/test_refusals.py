"""Refusals as objects that are copied, logged and sent to other processes."""

import copy
import pickle

import pytest

from gatehouse import Forbidden, Refusal, Unauthenticated, Unavailable


@pytest.mark.parametrize(
    ("refusal", "status", "headers"),
    [
        (Unauthenticated("who?"), 401, {"WWW-Authenticate": "Bearer"}),
        (Forbidden("no"), 403, {}),
        (Unavailable("later"), 503, {}),
        (Unavailable("later", 0), 503, {"Retry-After": "0"}),
        (Unavailable("later", 7), 503, {"Retry-After": "7"}),
    ],
    ids=repr,
)
def test_copies_say_the_same(refusal: Refusal, status: int, headers: dict[str, str]) -> None:
    for one in (refusal, copy.copy(refusal), pickle.loads(pickle.dumps(refusal))):
        assert type(one) is type(refusal)
        assert (one.status, one.headers, one.detail) == (status, headers, str(refusal))


def test_headers_are_everybodys_own() -> None:
    refusal = Unauthenticated()
    refusal.headers["Set-Cookie"] = "x"
    assert refusal.headers == {"WWW-Authenticate": "Bearer"}
