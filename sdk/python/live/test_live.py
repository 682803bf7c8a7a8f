"""Against a running Gatehouse, which AUTH_SERVICE_URL and GATEHOUSE_ISSUER name.

Its people are the demo's: user@daarion.city, admin@daarion.city and sofia@agents.daarion.city.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import httpx
import protected_service
import pytest

from gatehouse import (
    ActorIdentity,
    AsyncVerifier,
    Unauthenticated,
    Verifier,
    is_well_formed_api_key,
)

USER, ADMIN, SOFIA = "user@daarion.city", "admin@daarion.city", "sofia@agents.daarion.city"
NOWHERE = "http://127.0.0.1:1"


def _variable(name: str) -> str:
    value = os.environ.get(name)
    assert value, f"{name} is not set: sdk/with-gatehouse sdk/python/check live"
    return value.rstrip("/")


@pytest.fixture(scope="module")
def auth() -> Iterator[httpx.Client]:
    """The face that AUTH_SERVICE_URL names. It keeps no cookies between tests."""
    with httpx.Client(
        base_url=_variable("AUTH_SERVICE_URL"), timeout=60, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    """One that remembers nothing of the auth service's answers."""
    _variable("AUTH_SERVICE_URL"), _variable("GATEHOUSE_ISSUER")
    with Verifier(cache_seconds=0, timeout=60) as verifier:
        yield verifier


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The service in tests/protected_app, configured by the environment."""
    names = ("AUTH_SERVICE_URL", "GATEHOUSE_ISSUER")
    settings = {name: _variable(name) for name in names}
    log = tmp_path_factory.mktemp("uvicorn") / "log"
    with protected_service.running(settings, log) as client:
        yield client


def _sign_in(auth: httpx.Client, email: str) -> dict[str, Any]:
    answer = auth.post("/auth/login", json={"email": email, "password": "any"})
    auth.cookies.clear()
    assert answer.status_code == 200, answer.text
    signed_in: dict[str, Any] = answer.json()
    return signed_in


def _api_key(auth: httpx.Client, session_token: str) -> dict[str, Any]:
    answer = auth.post(
        "/auth/api-keys",
        json={"description": "SDK", "expires_days": 30},
        headers=_bearer(session_token),
    )
    assert answer.status_code == 200, answer.text
    key: dict[str, Any] = answer.json()
    return key


def _jwt(email: str) -> str:
    answer = httpx.post(
        f"{_variable('GATEHOUSE_ISSUER')}/api/v1/login",
        json={"email": email, "password": "any"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def _bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def _as_answered(actor: dict[str, Any]) -> ActorIdentity:
    return ActorIdentity(
        actor["actor_id"],
        actor["actor_type"],
        tuple(actor["microdao_ids"]),
        tuple(actor["roles"]),
        actor.get("user_id", ""),
    )


@pytest.mark.parametrize(
    ("email", "actor_type"), [(USER, "human"), (ADMIN, "human"), (SOFIA, "agent")]
)
def test_every_credential_of_somebody_is_the_same_actor(
    auth: httpx.Client, verifier: Verifier, email: str, actor_type: str
) -> None:
    signed_in = _sign_in(auth, email)
    token, actor = signed_in["session_token"], _as_answered(signed_in["actor"])
    key = _api_key(auth, token)["key"]
    assert actor.actor_type == actor_type
    assert (actor.user_id != "") == (actor_type == "human")
    assert is_well_formed_api_key(key)

    for headers in (
        _bearer(token),
        {"Cookie": f"session_token={token}"},
        {"X-API-Key": key},
        _bearer(key),
        _bearer(_jwt(email)),
    ):
        assert verifier.verify(headers) == actor, list(headers)


def test_jwt_needs_nobody_but_the_issuer(auth: httpx.Client) -> None:
    actor = _as_answered(_sign_in(auth, USER)["actor"])

    async def ask() -> ActorIdentity:
        async with AsyncVerifier(auth_url=NOWHERE, timeout=60) as verifier:
            return await verifier.verify(_bearer(_jwt(USER)))

    assert asyncio.run(ask()) == actor


def test_jwt_for_somebody_else_is_refused() -> None:
    _variable("GATEHOUSE_ISSUER")
    with (
        Verifier(auth_url=NOWHERE, audience="somebody else", timeout=60) as verifier,
        pytest.raises(Unauthenticated),
    ):
        verifier.verify(_bearer(_jwt(USER)))


def test_changed_credentials_are_refused(auth: httpx.Client, verifier: Verifier) -> None:
    token = _sign_in(auth, USER)["session_token"]
    header, payload, signature = _jwt(USER).split(".")
    other = "B" if signature[0] == "A" else "A"
    for headers in (
        _bearer(token[:-1]),
        _bearer(f"{token}x"),
        {"Cookie": f"session_token={token[::-1]}"},
        {"X-API-Key": token},
        _bearer(f"{header}.{payload}.{other}{signature[1:]}"),
        _bearer(f"{header}.{payload}."),
    ):
        with pytest.raises(Unauthenticated):
            verifier.verify(headers)


def test_what_was_taken_back_is_refused(auth: httpx.Client, verifier: Verifier) -> None:
    token = _sign_in(auth, USER)["session_token"]
    key = _api_key(auth, token)
    assert verifier.verify({"X-API-Key": key["key"]}) == verifier.verify(_bearer(token))

    answer = auth.delete(f"/auth/api-keys/{key['id']}", headers=_bearer(token))
    assert answer.status_code == 200, answer.text
    with pytest.raises(Unauthenticated):
        verifier.verify({"X-API-Key": key["key"]})

    answer = auth.post("/auth/logout", headers=_bearer(token))
    assert answer.status_code == 200, answer.text
    with pytest.raises(Unauthenticated):
        verifier.verify(_bearer(token))


def test_service_with_fastapi(auth: httpx.Client, client: httpx.Client) -> None:
    signed_in = _sign_in(auth, USER)
    for credential in (signed_in["session_token"], _jwt(USER)):
        answer = client.get("/me", headers=_bearer(credential))
        assert answer.status_code == 200, answer.text
        assert _as_answered(answer.json()) == _as_answered(signed_in["actor"])
    assert client.get("/protected").status_code == 401
    assert client.get("/protected", headers=_bearer("nobody")).status_code == 401

    administrator = _bearer(_sign_in(auth, ADMIN)["session_token"])
    agent = _bearer(_sign_in(auth, SOFIA)["session_token"])
    assert client.get("/agents-or-admins", headers=administrator).status_code == 200
    assert client.get("/agents-or-admins", headers=agent).status_code == 200
    assert client.get("/owners", headers=agent).status_code == 403
