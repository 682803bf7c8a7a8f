"""What the README says, tried out. Live tests run its quick start, word for word."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import readme
from fastapi.testclient import TestClient
from service import ACTOR, Reply, Service
from sqlalchemy.ext.asyncio import create_async_engine

import gatehouse
from gatehouse import ActorIdentity, _default
from gatehouse._actor import read_actor
from gatehouse._options import Options

SESSION = {"Authorization": "Bearer session-1"}
ADA = ActorIdentity("user:1", "human", user_id="1")
NOBODY = ActorIdentity("service:1", "service")

IN_PYTHON = {
    "lifespan": "test_fastapi",
    "dependency_overrides": "test_fastapi",
    "AsyncVerifier()": "test_asyncio",
    "flask": "test_flask",
    "import psycopg": "test_row_security",
    "import asyncpg": "test_row_security",
    "AsyncEngine": "test_row_security",
    "is_well_formed_api_key": "test_api_keys",
}


def run(containing: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a block of Python, and return what it has defined."""
    assert containing in IN_PYTHON
    names = {"__name__": "readme"} if names is None else names
    exec(compile(readme.block("python", containing), "README.md", "exec"), names)
    return names


def test_every_block_of_python_is_run() -> None:
    in_python = [text for language, text in readme.blocks() if language == "python"]
    assert [[text for text in in_python if one in text] for one in IN_PYTHON] == [
        [text] for text in in_python
    ]
    assert all(test in globals() for test in IN_PYTHON.values())
    assert {language for language, _ in readme.blocks()} == {"sh", "json", "python", "sql"}


@pytest.fixture
def auth(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("AUTH_SERVICE_URL", service.url)
    monkeypatch.setattr(_default, "_verifier", None)
    return service


def test_actor() -> None:
    assert read_actor(json.loads(readme.block("json", "actor_id"))) == read_actor(ACTOR)


def test_fastapi(auth: Service) -> None:
    names = run("lifespan")
    with TestClient(names["app"]) as client:
        assert client.get("/me", headers=SESSION).json() == ACTOR
        assert client.get("/me").status_code == 401
    assert len(auth.asked) == 1
    run("dependency_overrides", names)
    assert len(auth.asked) == 1


def test_asyncio(auth: Service) -> None:
    assert asyncio.run(run("AsyncVerifier()")["who"](SESSION)) == "user:93"
    assert len(auth.asked) == 1


def test_flask(auth: Service) -> None:
    names = run("flask")
    client = names["app"].test_client()
    assert client.get("/members", headers=SESSION).text == "Hello user:93"
    assert client.get("/members").status_code == 401
    auth.answer = lambda _: Reply(body=ACTOR | {"roles": ["agent"]})
    assert client.get("/members", headers={"X-API-Key": "another"}).status_code == 403
    auth.answer = lambda _: Reply(500)
    assert client.get("/members", headers={"X-API-Key": "a-third"}).status_code == 503
    names["verifier"].close()


def test_api_keys() -> None:
    run("is_well_formed_api_key")


@pytest.fixture(scope="module")
def notes(cluster: Path) -> tuple[str, str, str]:
    """A database with notes and the README's policy: host, user and name."""
    host = str(cluster)
    with psycopg.connect(host=host, user="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE readme")
    with psycopg.connect(host=host, user="postgres", dbname="readme") as connection:
        connection.execute(
            "CREATE TABLE notes (user_id text, text text);"
            "ALTER TABLE notes ENABLE ROW LEVEL SECURITY; GRANT SELECT ON notes TO service;"
            "INSERT INTO notes VALUES ('1', 'of ada'), ('2', 'of another'), ('', 'of nobody')"
        )
        connection.execute(readme.block("sql", "NULLIF").encode())
    return host, "service", "readme"


def test_row_security(notes: tuple[str, str, str]) -> None:
    host, user, database = notes
    with psycopg.connect(host=host, user=user, dbname=database, autocommit=True) as connection:
        notes_of = run("import psycopg")["notes_of"]
        assert [notes_of(who, connection) for who in (ADA, NOBODY)] == [["of ada"], []]

    async def in_asyncio() -> None:
        notes_of = run("import asyncpg")["notes_of"]
        async with asyncpg.create_pool(host=host, user=user, database=database, min_size=1) as pool:
            assert [await notes_of(who, pool) for who in (ADA, NOBODY)] == [["of ada"], []]
        notes_of = run("AsyncEngine")["notes_of"]
        for driver, name in (("asyncpg", "database"), ("psycopg", "dbname")):
            engine = create_async_engine(
                f"postgresql+{driver}://", connect_args={"host": host, "user": user, name: database}
            )
            assert [await notes_of(who, engine) for who in (ADA, NOBODY)] == [["of ada"], []]
            await engine.dispose()

    asyncio.run(in_asyncio())


def test_table_of_options_is_complete() -> None:
    text = readme.README.read_text()
    assert [name for name in Options.__annotations__ if f"\n| `{name}` |" not in text] == []


def test_everything_public_is_mentioned() -> None:
    text = readme.README.read_text()
    unnamed = {"ActorType", "Options"}
    assert [name for name in gatehouse.__all__ if name not in text and name not in unnamed] == []
