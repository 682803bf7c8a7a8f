"""What most tests need: a verifier of either kind, and servers to ask."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Unpack

import postgres
import psycopg
import pytest
from service import Service

from gatehouse import ActorIdentity, AsyncVerifier, Options, Verifier

Verify = Callable[[dict[str, str]], ActorIdentity]
MakeVerify = Callable[..., Verify]

PATIENCE = 60.0
"""Seconds: a test does not depend on how quick the machine is."""


@pytest.fixture(params=["threads", "asyncio"])
def make_verify(request: pytest.FixtureRequest) -> Iterator[MakeVerify]:
    """Makes verifiers of both kinds, to be called in the same way."""
    patient: Options = {"timeout": PATIENCE}
    with asyncio.Runner() as runner:
        closing: list[Callable[[], object]] = []

        def in_threads(**options: Unpack[Options]) -> Verify:
            verifier = Verifier(**patient | options)
            closing.append(verifier.close)
            return verifier.verify

        def in_asyncio(**options: Unpack[Options]) -> Verify:
            verifier = AsyncVerifier(**patient | options)
            closing.append(lambda: runner.run(verifier.aclose()))
            return lambda headers: runner.run(verifier.verify(headers))

        yield in_threads if request.param == "threads" else in_asyncio
        for close in closing:
            close()


@pytest.fixture
def service() -> Iterator[Service]:
    """An HTTP server whose answers the test decides."""
    with Service() as running:
        yield running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """The folder of the socket of a real Postgres, with a role "service" that may log in."""
    with postgres.running() as folder:
        with psycopg.connect(host=str(folder), user="postgres") as connection:
            connection.execute("CREATE ROLE service LOGIN")
        yield folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH_SERVICE_URL", "GATEHOUSE_ISSUER", "GATEHOUSE_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
