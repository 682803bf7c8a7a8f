"""Against a running Gatehouse, which AUTH_SERVICE_URL and GATEHOUSE_ISSUER name.

Its people are the demo's: user@daarion.city, admin@daarion.city and sofia@agents.daarion.city.
"""

import asyncio
from collections.abc import Iterator

import httpx
import protected_service
import pytest
from people import (
    ADMIN,
    SOFIA,
    USER,
    api_key,
    as_answered,
    at_the_auth_service,
    bearer,
    jwt,
    sign_in,
    variable,
)

from gatehouse import (
    ActorIdentity,
    AsyncVerifier,
    Unauthenticated,
    Verifier,
    is_well_formed_api_key,
)

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def auth() -> Iterator[httpx.Client]:
    with at_the_auth_service() as client:
        yield client


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    """One that remembers nothing of the auth service's answers."""
    variable("AUTH_SERVICE_URL"), variable("GATEHOUSE_ISSUER")
    with Verifier(cache_seconds=0, timeout=60) as verifier:
        yield verifier


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The service in tests/protected_app, configured by the environment."""
    names = ("AUTH_SERVICE_URL", "GATEHOUSE_ISSUER")
    settings = {name: variable(name) for name in names}
    log = tmp_path_factory.mktemp("uvicorn") / "log"
    with protected_service.running(settings, log) as client:
        yield client


@pytest.mark.parametrize(
    ("email", "actor_type"), [(USER, "human"), (ADMIN, "human"), (SOFIA, "agent")]
)
def test_every_credential_of_somebody_is_the_same_actor(
    auth: httpx.Client, verifier: Verifier, email: str, actor_type: str
) -> None:
    signed_in = sign_in(auth, email)
    token, actor = signed_in["session_token"], as_answered(signed_in["actor"])
    key = api_key(auth, token)["key"]
    assert actor.actor_type == actor_type
    assert (actor.user_id != "") == (actor_type == "human")
    assert is_well_formed_api_key(key)

    for headers in (
        bearer(token),
        {"Cookie": f"session_token={token}"},
        {"X-API-Key": key},
        {"X-API-Key": token},
        bearer(key),
        bearer(jwt(email)),
    ):
        assert verifier.verify(headers) == actor, list(headers)


def test_jwt_needs_nobody_but_the_issuer(auth: httpx.Client) -> None:
    actor = as_answered(sign_in(auth, USER)["actor"])

    async def ask() -> ActorIdentity:
        async with AsyncVerifier(auth_url=NOWHERE, timeout=60) as verifier:
            return await verifier.verify(bearer(jwt(USER)))

    assert asyncio.run(ask()) == actor


def test_jwt_for_somebody_else_is_refused() -> None:
    variable("GATEHOUSE_ISSUER")
    with (
        Verifier(auth_url=NOWHERE, audience="somebody else", timeout=60) as verifier,
        pytest.raises(Unauthenticated),
    ):
        verifier.verify(bearer(jwt(USER)))


def test_changed_credentials_are_refused(auth: httpx.Client, verifier: Verifier) -> None:
    token = sign_in(auth, USER)["session_token"]
    header, payload, signature = jwt(USER).split(".")
    other = "B" if signature[0] == "A" else "A"
    for headers in (
        bearer(token[:-1]),
        bearer(f"{token}x"),
        {"Cookie": f"session_token={token[::-1]}"},
        {"X-API-Key": f"{token}x"},
        bearer(f"{header}.{payload}.{other}{signature[1:]}"),
        bearer(f"{header}.{payload}."),
    ):
        with pytest.raises(Unauthenticated):
            verifier.verify(headers)


def test_what_was_taken_back_is_refused(auth: httpx.Client, verifier: Verifier) -> None:
    token = sign_in(auth, USER)["session_token"]
    key = api_key(auth, token)
    assert verifier.verify({"X-API-Key": key["key"]}) == verifier.verify(bearer(token))

    answer = auth.delete(f"/auth/api-keys/{key['id']}", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    with pytest.raises(Unauthenticated):
        verifier.verify({"X-API-Key": key["key"]})

    answer = auth.post("/auth/logout", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    with pytest.raises(Unauthenticated):
        verifier.verify(bearer(token))


def test_service_with_fastapi(auth: httpx.Client, client: httpx.Client) -> None:
    signed_in = sign_in(auth, USER)
    for credential in (signed_in["session_token"], jwt(USER)):
        answer = client.get("/me", headers=bearer(credential))
        assert answer.status_code == 200, answer.text
        assert as_answered(answer.json()) == as_answered(signed_in["actor"])
    assert client.get("/protected").status_code == 401
    assert client.get("/protected", headers=bearer("nobody")).status_code == 401

    administrator = bearer(sign_in(auth, ADMIN)["session_token"])
    agent = bearer(sign_in(auth, SOFIA)["session_token"])
    assert client.get("/agents-or-admins", headers=administrator).status_code == 200
    assert client.get("/agents-or-admins", headers=agent).status_code == 200
    assert client.get("/owners", headers=agent).status_code == 403
