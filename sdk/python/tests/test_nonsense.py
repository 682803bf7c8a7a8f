"""Nonsense is refused: no actor comes out of it, and no error that is not a Refusal."""

import json
import random
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from issuer import Key, key_set
from jwt.algorithms import ECAlgorithm
from service import ACTOR

from gatehouse import ActorIdentity, Unauthenticated, Unavailable
from gatehouse._introspection import _actor_in
from gatehouse._options import settings_from
from gatehouse._questions import Answer
from gatehouse._verification import Verification

ISSUER = "https://auth.example"
KEY = Key("1")
GOOD = KEY.token(ISSUER)
NAMES = ["X-API-Key", "x-api-key", "Authorization", "AUTHORIZATION", "Cookie", "cookie", "Host", ""]
TEXTS = [
    *("Bearer ", "bearer", "Basic ", "session_token=", "__Host-session_token=", "session_token"),
    *("dk_", "gh_ak_", "e30", ".", ";", ",", "=", "%", "%2e", "%ff", "%00", "%0d%0a", " ", "\t"),
    *("\r\n", "\0", "\x7f", "\xe9", "\u017f", "\u212a", "\ud800", "\U0001f511", '"', "a" * 5000),
    *(GOOD[:-4], GOOD.split(".")[1], "dk_00000000000000000000000000000000000000000003xMPgs"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, 1e300, -1e300, 10**400, "", "a", "\0", "\ud800", ISSUER),
    *([], [[]], [None], [ISSUER, 1], ["a"], {}, {"a": {}}, ACTOR, [ACTOR], "human", "at+jwt"),
    *("ES256", "none", "HS256", "1", [ISSUER], {"actor_id": "user:1"}, ACTOR | {"roles": [1]}),
]


def _question_about(headers: list[tuple[str, str]]) -> bool:
    """Whether a question is all that comes of it, and one that can be asked."""
    steps = Verification(settings_from({"issuer": ISSUER}, {})).of(headers)
    try:
        question = next(steps)
    except StopIteration as known:
        pytest.fail(f"{headers} is {known.value}")
    assert all(f"{name}: {value}".isascii() for name, value in question.headers.items())
    assert not any(char in value for value in question.headers.values() for char in "\r\n\0")
    return True


def test_headers_of_nonsense() -> None:
    chance = random.Random(1)
    asked = refused = 0
    for _ in range(20_000):
        headers = [
            (chance.choice(NAMES), "".join(chance.choices(TEXTS, k=chance.randint(0, 5))))
            for _ in range(chance.randint(0, 4))
        ]
        try:
            asked += _question_about(headers)
        except Unauthenticated:
            refused += 1
    assert min(asked, refused) > 1000


def _encoded(part: object) -> bytes:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def _verified(token: str) -> ActorIdentity:
    steps = Verification(settings_from({"issuer": ISSUER}, {})).of(
        [("Authorization", f"Bearer {token}")]
    )
    try:
        next(steps).conclude(Answer(200, json.dumps(key_set(KEY)).encode(), None))
        next(steps)
    except StopIteration as known:
        actor: ActorIdentity = known.value
        return actor
    raise AssertionError("it asked twice")


def test_good_signatures_of_nonsense() -> None:
    chance = random.Random(1)
    usual = {"iss": ISSUER, "aud": ISSUER, "sub": "1", "exp": 4e9, "nbf": 1, "iat": 1}
    verified = refused = 0
    for _ in range(3000):
        header: dict[str, Any] = {"alg": "ES256", "typ": "at+jwt", "kid": "1"}
        claims: dict[str, Any] = {**usual, "actor": ACTOR}
        part, name = chance.choice(
            [(header, name) for name in header] + [(claims, name) for name in claims]
        )
        part[name] = chance.choice(VALUES)
        signed = b".".join(map(_encoded, chance.choice([(header, claims), (header, part)])))
        signature = ECAlgorithm(ECAlgorithm.SHA256).sign(signed, KEY.private)
        token = signed.decode() + "." + urlsafe_b64encode(signature).rstrip(b"=").decode()
        try:
            actor = _verified(token)
        except Unauthenticated:
            refused += 1
        else:
            verified += 1
            assert actor.actor_id == ACTOR["actor_id"], claims
            assert (header["alg"], header["typ"], header["kid"]) == ("ES256", "at+jwt", "1")
            assert claims["iss"] == ISSUER
            assert ISSUER in claims["aud"]
    assert min(verified, refused) > 100


def test_answers_of_nonsense() -> None:
    chance = random.Random(1)
    actors = 0
    for _ in range(5000):
        body = ACTOR | {chance.choice(list(ACTOR)): chance.choice(VALUES)}
        try:
            actor = _actor_in(Answer(200, json.dumps(body).encode(), None))
        except Unavailable:
            continue
        actors += 1
        assert list(actor.roles) == body["roles"]
        assert actor.actor_type in ("human", "agent", "service")
        assert actor.actor_id
        assert actor.actor_id == body["actor_id"]
    assert actors > 100
