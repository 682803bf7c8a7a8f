"""Row security in a real Postgres, with real drivers."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import psycopg2
import pytest
import vectors
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from gatehouse import (
    ActorIdentity,
    row_security_values,
    set_row_security,
    set_row_security_async,
)
from gatehouse._actor import read_actor

ADA = ActorIdentity("user:1", "human", ("microdao:a", "microdao:b"), ("member",), "1")
SOFIA = ActorIdentity("agent:sofia", "agent", (), ("agent",))

# The policies of the README.
SCHEMA = """
CREATE TABLE notes (owner text, microdao text, body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_their_owner ON notes
    USING (owner = NULLIF(current_setting('app.current_user_id', true), ''));
CREATE POLICY of_their_microdao ON notes
    USING (NULLIF(current_setting('app.current_microdao_ids', true), '')::jsonb ? microdao);
GRANT SELECT ON notes TO service;
INSERT INTO notes VALUES ('1', 'microdao:x', 'ada'), ('', 'microdao:x', 'nobody'),
    ('2', 'microdao:b', 'common'), ('2', 'microdao:c', 'other');
"""
NOTES = "SELECT string_agg(body, ',' ORDER BY body) FROM notes"
USER_ID = "SELECT current_setting('app.current_user_id', true)"
ADAS = "ada,common"


@pytest.fixture(scope="module")
def folder(cluster: Path) -> Path:
    with psycopg.connect(host=str(cluster), user="postgres", autocommit=True) as connection:
        connection.execute(SCHEMA)
    return cluster


@pytest.fixture
def dsn(folder: Path) -> str:
    return f"host={folder} user=service dbname=postgres"


@pytest.fixture
def to(folder: Path) -> dict[str, str]:
    return {"host": str(folder), "user": "service", "database": "postgres"}


def one(cursor: Any) -> object:  # noqa: ANN401
    return cursor.fetchone()[0]


@pytest.mark.parametrize("what", ["cursor", "connection"])
def test_psycopg(dsn: str, what: str) -> None:
    with psycopg.connect(dsn) as connection:
        executor = connection.cursor() if what == "cursor" else connection
        assert one(connection.execute(NOTES)) is None
        set_row_security(executor, ADA)
        assert one(connection.execute(NOTES)) == ADAS
        connection.commit()
        assert one(connection.execute(USER_ID)) == "", "the README says so"
        assert one(connection.execute(NOTES)) is None
        set_row_security(executor, ADA)
        connection.rollback()
        assert one(connection.execute(NOTES)) is None


def test_psycopg_with_autocommit(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for executor in (connection, connection.cursor()):
            with pytest.raises(RuntimeError, match="transaction"):
                set_row_security(executor, ADA)
            with connection.transaction():
                set_row_security(executor, ADA)
                assert one(connection.execute(NOTES)) == ADAS
            assert one(connection.execute(NOTES)) is None


def test_psycopg2(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            set_row_security(cursor, ADA)
            cursor.execute(NOTES)
            assert one(cursor) == ADAS
        connection.autocommit = True
        with connection.cursor() as cursor:
            with pytest.raises(RuntimeError, match="transaction"):
                set_row_security(cursor, ADA)
            cursor.execute("BEGIN")
            set_row_security(cursor, ADA)
            cursor.execute(NOTES)
            assert one(cursor) == ADAS
    finally:
        connection.close()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy(to: dict[str, str], driver: str) -> None:
    engine = create_engine(f"postgresql+{driver}://", connect_args=_libpq(to))
    with engine.begin() as connection:
        set_row_security(connection, ADA)
        assert connection.scalar(text(NOTES)) == ADAS
    with Session(engine) as session:
        set_row_security(session, ADA)
        assert session.scalar(text(NOTES)) == ADAS
        session.commit()
        assert session.scalar(text(NOTES)) is None
    with (
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(RuntimeError, match="transaction"),
    ):
        set_row_security(connection, ADA)
    engine.dispose()


def _libpq(to: dict[str, str]) -> dict[str, str]:
    return {("dbname" if name == "database" else name): value for name, value in to.items()}


def test_django(to: dict[str, str]) -> None:
    import django
    from django.conf import settings
    from django.db import connection, transaction

    database = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres"}
    settings.configure(DATABASES={"default": database | {"HOST": to["host"], "USER": to["user"]}})
    django.setup()
    try:
        with connection.cursor() as cursor:
            with pytest.raises(RuntimeError, match="transaction"):
                set_row_security(cursor, ADA)
            with transaction.atomic():
                set_row_security(cursor, ADA)
                cursor.execute(NOTES)
                assert one(cursor) == ADAS
            cursor.execute(NOTES)
            assert one(cursor) is None
    finally:
        connection.close()


def test_asyncpg(to: dict[str, str]) -> None:
    async def ask() -> None:
        async with asyncpg.create_pool(**to, min_size=1, max_size=1) as pool:
            with pytest.raises(TypeError, match="Pool"):
                await set_row_security_async(pool, ADA)
            async with pool.acquire() as connection:
                with pytest.raises(RuntimeError, match="transaction"):
                    await set_row_security_async(connection, ADA)
                async with connection.transaction():
                    await set_row_security_async(connection, ADA)
                    assert await connection.fetchval(NOTES) == ADAS
                assert await connection.fetchval(NOTES) is None
        connection = await asyncpg.connect(**to)
        async with connection.transaction():
            await set_row_security_async(connection, ADA)
            assert await connection.fetchval(NOTES) == ADAS
        await connection.close()

    asyncio.run(ask())


def test_psycopg_in_asyncio(dsn: str) -> None:
    async def ask() -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            for executor in (connection, connection.cursor()):
                await set_row_security_async(executor, ADA)
                assert (await (await connection.execute(NOTES)).fetchone()) == (ADAS,)
                await connection.commit()
                assert (await (await connection.execute(NOTES)).fetchone()) == (None,)
                await connection.rollback()
            await connection.set_autocommit(True)
            with pytest.raises(RuntimeError, match="transaction"):
                await set_row_security_async(connection, ADA)

    asyncio.run(ask())


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_sqlalchemy_in_asyncio(to: dict[str, str], driver: str) -> None:
    where = to if driver == "asyncpg" else _libpq(to)

    async def ask() -> None:
        engine = create_async_engine(f"postgresql+{driver}://", connect_args=where)
        async with engine.begin() as connection:
            await set_row_security_async(connection, ADA)
            assert await connection.scalar(text(NOTES)) == ADAS
        async with AsyncSession(engine) as session, session.begin():
            await set_row_security_async(session, ADA)
            assert await session.scalar(text(NOTES)) == ADAS
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            with pytest.raises(RuntimeError, match="transaction"):
                await set_row_security_async(connection, ADA)
        await engine.dispose()

    asyncio.run(ask())


def test_what_would_set_nothing_is_refused(to: dict[str, str], dsn: str) -> None:
    engine = create_async_engine("postgresql+asyncpg://", connect_args=to)

    async def ask() -> None:
        async with (
            await psycopg.AsyncConnection.connect(dsn) as of_psycopg,
            asyncpg.create_pool(**to, min_size=1) as pool,
            pool.acquire() as of_asyncpg,
            engine.connect() as of_sqlalchemy,
            AsyncSession(engine) as session,
        ):
            for executor in (of_psycopg, of_psycopg.cursor(), pool, of_asyncpg, session):
                with pytest.raises(TypeError, match="set_row_security_async"):
                    set_row_security(executor, ADA)
            with pytest.raises(TypeError, match="AsyncConnection"):
                set_row_security(of_sqlalchemy, ADA)
        await engine.dispose()

    asyncio.run(ask())
    for nothing in (engine.sync_engine, None, "host=localhost"):
        with pytest.raises(TypeError, match="no connection"):
            set_row_security(nothing, ADA)
        with pytest.raises(TypeError, match="no connection"):
            asyncio.run(set_row_security_async(nothing, ADA))


def test_who_is_no_user_sees_nobodys_rows_neither(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        set_row_security(connection, SOFIA)
        assert one(connection.execute(NOTES)) is None


@pytest.mark.parametrize("case", vectors.cases("row_security.json"), ids=vectors.name_of)
def test_values_arrive_as_they_are(dsn: str, case: dict[str, Any]) -> None:
    actor = read_actor(case["actor"])
    assert actor is not None
    names = ("user_id", "actor_id", "actor_type", "roles", "microdao_ids")
    settings = ", ".join(f"current_setting('app.current_{name}')" for name in names)
    with psycopg.connect(dsn) as connection:
        set_row_security(connection, actor)
        found = connection.execute(f"SELECT {settings}").fetchone()
        roles, microdaos = connection.execute(
            "SELECT current_setting('app.current_roles')::jsonb,"
            " current_setting('app.current_microdao_ids')::jsonb"
        ).fetchone() or (None, None)
    assert found == tuple(case["values"]) == row_security_values(actor)
    assert (tuple(roles), tuple(microdaos)) == (actor.roles, actor.microdao_ids)
