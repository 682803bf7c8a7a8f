"""Fetching, keeping and replacing the issuer's keys."""

from typing import Any

import pytest
from clock import Clock
from conftest import MakeVerify
from issuer import Key, bearer, key_set
from service import Reply, Service

from gatehouse import Unauthenticated, Unavailable

FIVE_MINUTES = 300
A_DAY = 24 * 60 * 60
LONG_LIVED = {"exp": 4_000_000_000}


def test_keys_are_fetched_once_and_nobody_else_is_asked(
    make_verify: MakeVerify, service: Service
) -> None:
    key = Key("1")
    service.answer = lambda _: Reply(body=key_set(key))
    verify = make_verify(auth_url="http://127.0.0.1:1", issuer=service.url)

    for number in range(3):
        assert verify(bearer(key.token(service.url, jti=str(number)))).actor_id == "user:93"
    assert [asked.path for asked in service.asked] == ["/.well-known/jwks.json"]
    assert "authorization" not in service.asked[0].headers


def test_keys_are_fetched_again_after_five_minutes(
    make_verify: MakeVerify, service: Service
) -> None:
    key, clock = Key("1"), Clock()
    service.answer = lambda _: Reply(body=key_set(key))
    verify = make_verify(issuer=service.url, now=clock)
    headers = bearer(key.token(service.url, **LONG_LIVED))

    verify(headers)
    clock.at += FIVE_MINUTES - 1
    verify(headers)
    assert len(service.asked) == 1
    clock.at += 2
    verify(headers)
    assert len(service.asked) == 2


def test_key_that_was_withdrawn_stops_working(make_verify: MakeVerify, service: Service) -> None:
    old, new, clock = Key("1"), Key("2"), Clock()
    service.answer = lambda _: Reply(body=key_set(old))
    verify = make_verify(issuer=service.url, now=clock)
    headers = bearer(old.token(service.url, **LONG_LIVED))
    verify(headers)

    service.answer = lambda _: Reply(body=key_set(new))
    clock.at += FIVE_MINUTES + 1
    with pytest.raises(Unauthenticated):
        verify(headers)


def test_new_key_is_found_at_once(make_verify: MakeVerify, service: Service) -> None:
    old, new = Key("1"), Key("2")
    service.answer = lambda _: Reply(body=key_set(old))
    verify = make_verify(issuer=service.url)
    verify(bearer(old.token(service.url)))

    service.answer = lambda _: Reply(body=key_set(old, new))
    assert verify(bearer(new.token(service.url))).actor_id == "user:93"
    assert len(service.asked) == 2


def test_flood_of_unknown_keys_costs_one_request_in_ten_seconds(
    make_verify: MakeVerify, service: Service
) -> None:
    key, clock = Key("1"), Clock()
    service.answer = lambda _: Reply(body=key_set(key))
    verify = make_verify(issuer=service.url, now=clock)
    verify(bearer(key.token(service.url)))

    for _ in range(2):
        before = len(service.asked)
        for number in range(20):
            with pytest.raises(Unauthenticated):
                verify(bearer(Key(f"made up {number}").token(service.url)))
            clock.at += 0.4
        assert len(service.asked) == before + 1
        clock.at += 3

    assert verify(bearer(key.token(service.url))).actor_id == "user:93"


BROKEN = [
    Reply(500),
    Reply(404),
    Reply(302, headers={"Location": "/elsewhere"}),
    Reply(body=b"<html>"),
    Reply(body={"keys": {}}),
    Reply(body={}),
    Reply(body=b'{"keys":[],"keys":[]}'),
    Reply(body={"keys": [], "padding": "x" * 256 * 1024}),
    Reply(write=lambda _: None),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_old_keys_work_for_a_day_while_fetching_fails(
    make_verify: MakeVerify, service: Service, broken: Reply
) -> None:
    key, clock = Key("1"), Clock()
    service.answer = lambda _: Reply(body=key_set(key))
    verify = make_verify(issuer=service.url, now=clock)
    headers = bearer(key.token(service.url, **LONG_LIVED))
    verify(headers)

    service.answer = lambda _: broken
    clock.at += FIVE_MINUTES
    for _ in range(5):
        assert verify(headers).actor_id == "user:93"
    assert len(service.asked) == 2, "it asks again for every token while the issuer is down"
    clock.at += A_DAY - FIVE_MINUTES - 1
    assert verify(headers).actor_id == "user:93"
    clock.at += 2
    with pytest.raises(Unavailable):
        verify(headers)


@pytest.mark.parametrize("broken", [*BROKEN, Reply(body={"keys": []})])
def test_without_keys_it_is_unavailable_until_there_are_some(
    make_verify: MakeVerify, service: Service, broken: Reply
) -> None:
    key, clock = Key("1"), Clock()
    service.answer = lambda _: broken
    verify = make_verify(issuer=service.url, now=clock)
    headers = bearer(key.token(service.url))
    for _ in range(20):
        with pytest.raises(Unavailable):
            verify(headers)
    assert len(service.asked) == 1, "anybody can make it ask as often as they like"

    service.answer = lambda _: Reply(body=key_set(key))
    clock.at += 1.01
    assert verify(headers).actor_id == "user:93"


def test_unknown_key_is_not_refused_while_the_issuer_is_down(
    make_verify: MakeVerify, service: Service
) -> None:
    old, new, clock = Key("1"), Key("2"), Clock()
    service.answer = lambda _: Reply(body=key_set(old))
    verify = make_verify(issuer=service.url, now=clock)
    verify(bearer(old.token(service.url)))

    service.answer = lambda _: Reply(500)
    with pytest.raises(Unavailable):
        verify(bearer(new.token(service.url)))
    service.answer = lambda _: Reply(body=key_set(old, new))
    clock.at += 11
    assert verify(bearer(new.token(service.url))).actor_id == "user:93"


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "ES384"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"kty": "RSA"},
        {"kty": "oct", "k": "AAAA"},
        {"d": "AAAA"},
        {"kid": None},
        {"kid": ""},
        {"kid": 1},
        {"x": "AAAA"},
        {"x": 1},
    ],
)
def test_keys_that_cannot_be_used_are_left_out(
    make_verify: MakeVerify, service: Service, changes: dict[str, Any]
) -> None:
    good, bad = Key("1"), Key("2")
    service.answer = lambda _: Reply(body={"keys": [bad.public | changes, None, good.public]})
    verify = make_verify(issuer=service.url)

    assert verify(bearer(good.token(service.url))).actor_id == "user:93"
    with pytest.raises(Unauthenticated):
        verify(bearer(bad.token(service.url)))


def test_keys_may_be_somewhere_else(make_verify: MakeVerify, service: Service) -> None:
    key = Key("1")
    service.answer = lambda _: Reply(body=key_set(key))
    verify = make_verify(issuer="https://auth.example.org/", jwks_url=f"{service.url}/keys")

    assert verify(bearer(key.token("https://auth.example.org/"))).actor_id == "user:93"
    assert service.asked[0].path == "/keys"
