"""A service of the city, as it was written, in a real uvicorn beside a real Gatehouse."""

from collections.abc import Iterator

import httpx
import protected_service
import pytest
from people import ADMIN, SOFIA, USER, api_key, at_the_auth_service, bearer, jwt, sign_in, variable
from relay import Relay


@pytest.fixture(scope="module")
def auth() -> Iterator[httpx.Client]:
    with at_the_auth_service() as client:
        yield client


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """Where the service finds Gatehouse, for as long as it is started."""
    url = httpx.URL(variable("AUTH_SERVICE_URL"))
    with Relay((url.host, url.port or 80)) as relay:
        yield relay


@pytest.fixture(scope="module")
def city(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = {"AUTH_SERVICE_URL": relay.url, "GATEHOUSE_ISSUER": variable("GATEHOUSE_ISSUER")}
    log = tmp_path_factory.mktemp("uvicorn") / "log"
    with protected_service.running(settings, log, "city:app") as client:
        yield client


@pytest.mark.parametrize("email", [USER, ADMIN, SOFIA])
def test_every_way_in_is_the_same_actor(auth: httpx.Client, city: httpx.Client, email: str) -> None:
    signed_in = sign_in(auth, email)
    token, actor = signed_in["session_token"], signed_in["actor"]
    for headers in (
        bearer(token),
        {"X-API-Key": api_key(auth, token)["key"]},
        {"X-API-Key": token},
        {"Cookie": f"session_token={token}"},
        {"Cookie": f"__Host-session_token={token}"},
        bearer(jwt(email)),
    ):
        answer = city.get("/protected", headers=headers)
        assert (answer.status_code, answer.json()) == (200, None), list(headers)
        who = city.get("/who", headers=headers).json()
        assert who == {name: actor.get(name, "") for name in who}
        assert who["actor_id"] == actor["actor_id"]
        admins = city.get("/admins", headers=headers)
        assert admins.status_code == (200 if email == ADMIN else 403)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("nobody"),
        {"X-API-Key": f"dk_{'0' * 43}3xMPgs"},
        {"X-API-Key": "dk_mistyped"},
        {"Cookie": "session_token=nobody"},
        bearer("e30.e30.e30"),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/protected", "/admins"])
def test_nobody_is_refused(city: httpx.Client, path: str, headers: dict[str, str]) -> None:
    answer = city.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert list(answer.json()) == ["detail"]


def test_two_people_at_once_are_nobody(auth: httpx.Client, city: httpx.Client) -> None:
    user, admin = (sign_in(auth, email)["session_token"] for email in (USER, ADMIN))
    for headers in (
        bearer(user) | {"Cookie": f"session_token={admin}"},
        {"Cookie": f"session_token={user}; session_token={admin}"},
        {"Cookie": f"session_token={user}; __Host-session_token={admin}"},
    ):
        assert city.get("/protected", headers=headers).status_code == 401, list(headers)


def test_without_gatehouse_it_cannot_be_said_who_calls(
    auth: httpx.Client, city: httpx.Client, relay: Relay
) -> None:
    token, access_token = sign_in(auth, ADMIN)["session_token"], jwt(ADMIN)
    assert city.get("/protected", headers=bearer(access_token)).status_code == 200
    relay.stop()
    for path in ("/protected", "/admins"):
        for headers in (bearer(token), bearer("nobody"), {"Cookie": f"session_token={token}"}):
            answer = city.get(path, headers=headers)
            assert answer.status_code == 503, answer.text
            assert "www-authenticate" not in answer.headers, "people would be signed out"
        assert city.get(path).status_code == 401
        assert city.get(path, headers=bearer(access_token)).status_code == 200, "it has the keys"
    relay.start()
    assert city.get("/protected", headers=bearer(token)).status_code == 200
