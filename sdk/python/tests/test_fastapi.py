"""A real service in a real uvicorn, asking a real HTTP server."""

import gc
import itertools
from collections.abc import Iterator

import httpx
import protected_service
import pytest
from conftest import PATIENCE
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from issuer import Key, bearer, key_set
from service import ACTOR, Asked, Reply, Service
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import gatehouse
from gatehouse import ActorIdentity, _default, require_actor, require_role

_numbers = itertools.count()


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("1")


@pytest.fixture(scope="module")
def auth() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture(autouse=True)
def _good_answers(auth: Service, key: Key) -> None:
    answer_with(auth, key, Reply())
    auth.asked.clear()


@pytest.fixture(scope="module")
def client(auth: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("uvicorn") / "log"
    settings = {"AUTH_SERVICE_URL": auth.url, "GATEHOUSE_ISSUER": auth.url}
    with protected_service.running(settings, log) as client:
        yield client
    logged = log.read_text()
    assert "httpcore" in logged, "the libraries below log nothing, so this shows nothing"
    assert "Traceback" not in logged
    assert "session-" not in logged, "a credential was logged"


def answer_with(auth: Service, key: Key, reply: Reply) -> None:
    def answer(asked: Asked) -> Reply:
        return reply if asked.path == "/auth/me" else Reply(body=key_set(key))

    auth.answer = answer


def session() -> dict[str, str]:
    """A session that nobody has shown before."""
    return {"Authorization": f"Bearer session-{next(_numbers)}"}


def test_protected_route_knows_who_calls(client: httpx.Client) -> None:
    answer = client.get("/protected", headers=session())
    assert answer.status_code == 200
    assert answer.json() == {"hello": "user:93", "roles": ["member", "microdao_owner"]}


def test_actor_is_an_answer_and_a_field(client: httpx.Client) -> None:
    assert client.get("/me", headers=session()).json() == ACTOR
    note = client.get("/note", headers=session()).json()
    assert note == {"text": "hello", "author": ACTOR}
    assert client.post("/note", json=note).json() == note


def test_route_in_a_thread(client: httpx.Client) -> None:
    assert client.get("/sync", headers=session()).json() == "user:93"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Basic dXNlcjpwYXNz")],
        [("X-API-Key", "dk_short")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Authorization", b"Bearer \xc3\xa9")],
        [("Cookie", "session_token=")],
        [("Authorization", "Bearer a.b.c")],
    ],
)
def test_nobody_is_answered_401_without_asking(
    client: httpx.Client, auth: Service, headers: list[tuple[str, str | bytes]]
) -> None:
    raw = [(n.encode(), v if isinstance(v, bytes) else v.encode()) for n, v in headers]
    answer = client.get("/protected", headers=raw)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert list(answer.json()) == ["detail"]
    assert isinstance(answer.json()["detail"], str)
    assert auth.asked == []


@pytest.mark.parametrize(
    ("reply", "status", "headers"),
    [
        (Reply(401, {"detail": "x"}), 401, {"www-authenticate": "Bearer"}),
        (Reply(403, {"detail": "x"}), 403, {}),
        (Reply(429, headers={"Retry-After": "9"}), 503, {"retry-after": "9"}),
        (Reply(500), 503, {}),
        (Reply(503, headers={"Retry-After": "2"}), 503, {"retry-after": "2"}),
        (Reply(body=b"<html>"), 503, {}),
        (Reply(302, headers={"Location": "/auth/me"}), 503, {}),
    ],
)
def test_answers_of_the_auth_service_become_statuses(
    client: httpx.Client,
    auth: Service,
    key: Key,
    reply: Reply,
    status: int,
    headers: dict[str, str],
) -> None:
    answer_with(auth, key, reply)
    answer = client.get("/protected", headers=session())
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    shown = {name: answer.headers.get(name) for name in ("www-authenticate", "retry-after")}
    assert {name: value for name, value in shown.items() if value is not None} == headers


def test_jwt_is_verified_here(client: httpx.Client, auth: Service, key: Key) -> None:
    good, expired = bearer(key.token(auth.url)), bearer(key.token(auth.url, exp=1))
    assert client.get("/protected", headers=good).status_code == 200
    assert client.get("/protected", headers=expired).status_code == 401
    assert "/auth/me" not in [asked.path for asked in auth.asked]


@pytest.mark.parametrize(
    ("roles", "owners", "agents_or_admins"),
    [
        ([], 403, 403),
        (["member"], 403, 403),
        (["microdao_owner"], 200, 403),
        (["member", "agent"], 403, 200),
        (["admin"], 403, 200),
        (["system_admin"], 200, 200),
    ],
)
def test_roles(
    client: httpx.Client,
    auth: Service,
    key: Key,
    roles: list[str],
    owners: int,
    agents_or_admins: int,
) -> None:
    answer_with(auth, key, Reply(body=ACTOR | {"roles": roles}))
    headers = session()
    assert client.get("/owners", headers=headers).status_code == owners
    assert client.get("/agents-or-admins", headers=headers).status_code == agents_or_admins
    assert client.get("/owners").status_code == 401


def test_one_request_is_verified_once(client: httpx.Client, auth: Service) -> None:
    assert client.get("/twice", headers=session()).status_code == 200
    assert len(auth.asked) == 1


def test_websocket_knows_who_connects(client: httpx.Client) -> None:
    address = str(client.base_url.copy_with(scheme="ws", path="/socket"))
    with connect(address, additional_headers=session(), proxy=None) as connection:
        assert connection.recv() == "user:93"
    with pytest.raises(InvalidStatus) as refused, connect(address, proxy=None):
        pass
    assert refused.value.response.status_code == 401


def test_documentation_names_the_ways_to_authenticate(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert [
        (scheme["type"], scheme["in" if "in" in scheme else "scheme"])
        for scheme in schemes.values()
    ] == [
        ("apiKey", "header"),
        ("http", "bearer"),
        ("apiKey", "cookie"),
    ]
    assert document["paths"]["/protected"]["get"]["security"] == [{name: []} for name in schemes]
    assert "parameters" not in document["paths"]["/protected"]["get"]


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/protected")
    async def protected(actor: ActorIdentity = Depends(require_actor)) -> str:
        return actor.actor_id

    @app.get("/owners")
    async def owners(actor: ActorIdentity = Depends(require_role("microdao_owner"))) -> str:
        return actor.actor_id

    return app


# Connections die with their event loop, of which asyncio complains.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_client_with_an_event_loop_for_each_request(auth: Service) -> None:
    gatehouse.configure(auth_url=auth.url, timeout=PATIENCE)
    client = TestClient(_app())
    assert [client.get("/protected", headers=session()).status_code for _ in range(3)] == [200] * 3
    gatehouse.configure()  # lets go of them
    gc.collect()


def test_configure_replaces_the_environment(auth: Service, key: Key) -> None:
    app = _app()
    verifier = gatehouse.configure(
        auth_url="http://127.0.0.1:1", issuer=auth.url, audience="city", timeout=PATIENCE
    )
    with TestClient(app) as client:
        token = bearer(key.token(auth.url, aud="city"))
        assert client.get("/protected", headers=token).status_code == 200
        assert client.get("/protected", headers=session()).status_code == 503
        assert client.portal is not None
        client.portal.call(verifier.aclose)


def test_environment_is_enough(auth: Service, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_default, "_verifier", None)
    monkeypatch.setenv("GATEHOUSE_ISSUER", auth.url)
    monkeypatch.setenv("GATEHOUSE_AUDIENCE", "city")
    with TestClient(_app()) as client:
        token = bearer(key.token(auth.url, aud="city"))
        assert client.get("/protected", headers=token).json() == "user:93"
        assert client.portal is not None
        client.portal.call(_default.default_verifier().aclose)


def test_tests_of_a_service_say_who_calls() -> None:
    app = _app()
    app.dependency_overrides[require_actor] = lambda: ActorIdentity("user:1", "human")
    client = TestClient(app)
    assert client.get("/protected").json() == "user:1"
    assert client.get("/owners").status_code == 403


def test_guard_without_a_role_is_a_mistake() -> None:
    for roles in ((), ("",)):
        with pytest.raises(ValueError, match="role"):
            require_role(*roles)
