"""Telling Postgres who acts, for policies of row security.

After the transaction the settings read ``''`` and not NULL, so a policy uses
``NULLIF(current_setting('app.current_user_id', true), '')``.
"""

import json
from inspect import iscoroutinefunction
from typing import Any

from gatehouse._actor import ActorIdentity

__all__ = ["row_security_values", "set_row_security", "set_row_security_async"]

_SETTINGS = (
    "app.current_user_id",
    "app.current_actor_id",
    "app.current_actor_type",
    "app.current_roles",
    "app.current_microdao_ids",
)
_IDLE = 0  # no transaction; the same number in libpq, psycopg and psycopg2


def _statement(placeholders: list[str]) -> str:
    # SET LOCAL takes no parameters (42601); set_config does, and "true" makes it local.
    calls = (
        f"set_config('{name}', {p}, true)" for name, p in zip(_SETTINGS, placeholders, strict=True)
    )
    return f"SELECT {', '.join(calls)}"


_FORMAT = _statement(["%s"] * 5)
_NUMBERED = _statement([f"${n}" for n in range(1, 6)])
_NAMED = _statement([f":value{n}" for n in range(1, 6)])


def set_row_security(executor: Any, actor: ActorIdentity) -> None:  # noqa: ANN401
    """Tell Postgres who acts, until the end of the current transaction.

    The executor is a cursor of psycopg, psycopg2, Django or another driver with the style
    ``%s``, a connection of psycopg, or a Connection or Session of SQLAlchemy. Call it first in
    every transaction, on what then runs the queries.

    Raises RuntimeError outside of a transaction, where nothing would be set, if the driver can
    tell (autocommit), and TypeError for something else, such as a pool or what is for asyncio.
    Errors of the driver pass.
    """
    if _is_for_asyncio(executor):
        raise TypeError(f"{_kind(executor)} is for set_row_security_async")
    if not hasattr(executor, "execute"):
        raise _no_executor(executor)
    if callable(getattr(executor, "connection", None)):
        executor = executor.connection()  # of a Session
    connection = getattr(executor, "connection", executor)
    values = row_security_values(actor)
    if hasattr(executor, "exec_driver_sql"):
        # SQLAlchemy translates names to the style of whatever driver is below.
        from sqlalchemy import text

        _must_be_in_transaction(connection.dbapi_connection)
        names = {f"value{n}": value for n, value in enumerate(values, start=1)}
        executor.execute(text(_NAMED), names)
        return
    _must_be_in_transaction(connection)
    executor.execute(_FORMAT, values)


async def set_row_security_async(executor: Any, actor: ActorIdentity) -> None:  # noqa: ANN401
    """Tell Postgres who acts, until the end of the current transaction.

    The same as ``set_row_security`` for a connection of asyncpg (also one from a pool), an
    AsyncCursor or AsyncConnection of psycopg, or an AsyncConnection or AsyncSession of
    SQLAlchemy.

    Raises RuntimeError outside of a transaction, and TypeError for something else, such as a
    pool, of which each statement may go to another connection.
    """
    if hasattr(executor, "is_in_transaction"):  # asyncpg
        if not executor.is_in_transaction():
            raise _outside_of_transaction()
        await executor.execute(_NUMBERED, *row_security_values(actor))
    elif hasattr(executor, "run_sync"):  # SQLAlchemy
        await executor.run_sync(set_row_security, actor)
    elif hasattr(getattr(executor, "connection", executor), "info"):  # psycopg
        _must_be_in_transaction(getattr(executor, "connection", executor))
        await executor.execute(_FORMAT, row_security_values(actor))
    else:
        raise _no_executor(executor)


def row_security_values(actor: ActorIdentity) -> tuple[str, str, str, str, str]:
    """Return the values: user id, actor id, actor type, and roles and microDAOs as JSON lists."""
    return (
        actor.user_id,
        actor.actor_id,
        actor.actor_type,
        _json_list(actor.roles),
        _json_list(actor.microdao_ids),
    )


def _json_list(texts: tuple[str, ...]) -> str:
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _must_be_in_transaction(connection: Any) -> None:  # noqa: ANN401
    """Without autocommit, drivers begin one themselves; with it, only an open one counts."""
    if not getattr(connection, "autocommit", False):
        return
    info = getattr(connection, "info", None)
    if getattr(info, "transaction_status", _IDLE) == _IDLE:
        raise _outside_of_transaction()


def _is_for_asyncio(executor: object) -> bool:
    """Whether what it executes must be awaited: otherwise nothing would happen, and silently."""
    is_asyncpg = hasattr(executor, "is_in_transaction")  # whose proxies hide the rest
    return is_asyncpg or iscoroutinefunction(getattr(executor, "execute", None))


def _no_executor(executor: object) -> TypeError:
    return TypeError(f"{_kind(executor)} is no connection and no cursor")


def _kind(executor: object) -> str:
    return type(executor).__name__


def _outside_of_transaction() -> RuntimeError:
    return RuntimeError("row security needs a transaction: outside of one, nothing would be set")
