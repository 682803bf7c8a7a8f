"""What is verified here and what is asked."""

import pytest
from conftest import MakeVerify
from issuer import Key, bearer, key_set
from service import Asked, Reply, Service

from gatehouse import Unauthenticated

KEYS, ASKED = "/.well-known/jwks.json", "/auth/me"


@pytest.fixture
def key(service: Service) -> Key:
    key = Key("1")

    def answer(asked: Asked) -> Reply:
        return Reply(body=key_set(key)) if asked.path == KEYS else Reply()

    service.answer = answer
    return key


def test_only_a_lone_jwt_is_verified_here(
    make_verify: MakeVerify, service: Service, key: Key
) -> None:
    verify = make_verify(auth_url=service.url, issuer=service.url)
    token = key.token(service.url)

    verify({"Cookie": f"session_token={token}"})
    verify(bearer(token))
    assert [asked.path for asked in service.asked] == [KEYS]
    verify({**bearer(token), "Cookie": "session_token=abc"})
    verify({"Cookie": f"session_token={token}; session_token=abc"})
    verify({"X-API-Key": token})
    verify(bearer("session-1"))
    verify(bearer("a.b"))
    verify(bearer("a.b.c.d"))
    assert [asked.path for asked in service.asked] == [KEYS, *[ASKED] * 6]


def test_without_an_issuer_jwts_are_asked_about(
    make_verify: MakeVerify, service: Service, key: Key
) -> None:
    make_verify(auth_url=service.url)(bearer(key.token(service.url)))
    assert [asked.path for asked in service.asked] == [ASKED]


def test_jwt_that_fails_here_is_not_asked_about(
    make_verify: MakeVerify, service: Service, key: Key
) -> None:
    verify = make_verify(auth_url=service.url, issuer=service.url)

    with pytest.raises(Unauthenticated):
        verify(bearer(key.token(service.url, exp=1)))
    with pytest.raises(Unauthenticated):
        verify(bearer("a.b.c"))
    assert [asked.path for asked in service.asked] == [KEYS]


def test_settings_come_from_the_environment(
    make_verify: MakeVerify, service: Service, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_SERVICE_URL", service.url)
    monkeypatch.setenv("GATEHOUSE_ISSUER", service.url)
    monkeypatch.setenv("GATEHOUSE_AUDIENCE", "city")
    verify = make_verify()

    verify(bearer(key.token(service.url, aud="city")))
    with pytest.raises(Unauthenticated):
        verify(bearer(key.token(service.url)))
    verify(bearer("session-1"))
    assert [asked.path for asked in service.asked] == [KEYS, ASKED]
