"""The shared vectors."""

import json
from typing import Any

import pytest
import vectors
from conftest import MakeVerify
from service import Asked, Reply, Service

from gatehouse import ActorIdentity, Unauthenticated, is_well_formed_api_key, row_security_values
from gatehouse._access_tokens import AccessTokens
from gatehouse._actor import read_actor
from gatehouse._credentials import credentials_in
from gatehouse._key_set import KeySet
from gatehouse._questions import Answer

TOKENS = vectors.read("tokens.json")


def _actor(case: dict[str, Any]) -> ActorIdentity | None:
    return None if case["actor"] is None else read_actor(case["actor"])


def _actor_in(token: str) -> ActorIdentity:
    """Reads a token directly, so that nothing before can have kept it away."""
    now = lambda: float(TOKENS["now"])  # noqa: E731
    keys = KeySet("https://auth.example/keys", ("ES256",), 5, now)
    tokens = AccessTokens(TOKENS["issuer"], TOKENS["audience"], ("ES256",), 30, keys, now)
    steps = tokens.verify(token)
    try:
        question = next(steps)
        question.conclude(Answer(200, json.dumps(TOKENS["jwks"]).encode(), None))
        steps.send(None)
    except StopIteration as known:
        actor: ActorIdentity = known.value
        return actor
    raise AssertionError("it asked twice")


@pytest.mark.parametrize("case", TOKENS["cases"], ids=vectors.name_of)
def test_token(case: dict[str, Any]) -> None:
    assert case["valid"] == (case["actor"] is not None)
    if case["valid"]:
        assert _actor_in(case["token"]) == _actor(case)
    else:
        with pytest.raises(Unauthenticated):
            _actor_in(case["token"])


def test_tokens_in_requests(make_verify: MakeVerify, service: Service) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(401) if asked.path == "/auth/me" else Reply(body=TOKENS["jwks"])

    service.answer = answer
    verify = make_verify(
        auth_url=service.url,
        issuer=TOKENS["issuer"],
        audience=TOKENS["audience"],
        jwks_url=f"{service.url}/keys",
        now=lambda: float(TOKENS["now"]),
    )
    # HTTP takes away the space around a value.
    in_headers = [case for case in TOKENS["cases"] if not any(map(str.isspace, case["token"]))]
    for case in in_headers:
        for headers in (
            {"Authorization": f"Bearer {case['token']}"},
            {"Cookie": f"session_token={case['token']}"},
        ):
            if case["valid"]:
                assert verify(headers) == _actor(case)
            else:
                with pytest.raises(Unauthenticated):
                    pytest.fail(f"{case['name']}: {verify(headers)}")


@pytest.mark.parametrize("case", vectors.cases("credentials.json"), ids=vectors.name_of)
def test_credentials(case: dict[str, Any]) -> None:
    found = credentials_in([(name, value) for name, value in case["headers"]])

    assert (found.api_key, found.bearer, found.cookie) == (
        case["api_key"],
        case["bearer"],
        case["cookie"],
    )
    assert (not found.headers) == case["none"]
    assert (found.only_jwt() is not None) == case["jwt_only"]


@pytest.mark.parametrize("case", vectors.cases("api_keys.json"), ids=vectors.name_of)
def test_api_key(case: dict[str, Any]) -> None:
    assert is_well_formed_api_key(case["key"]) == case["well_formed"]


@pytest.mark.parametrize("case", vectors.cases("row_security.json"), ids=vectors.name_of)
def test_row_security(case: dict[str, Any]) -> None:
    actor = _actor(case)
    assert actor is not None
    assert list(row_security_values(actor)) == case["values"]
