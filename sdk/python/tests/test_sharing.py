"""Many who ask the same thing at the same time."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from clock import Clock
from conftest import PATIENCE
from issuer import Key, bearer, key_set
from service import Asked, Reply, Service

from gatehouse import AsyncVerifier, Unavailable, Verifier

SESSION = {"Authorization": "Bearer session-1"}
MANY = 40


class Gate:
    """Keeps answers back until it is opened."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.somebody_asks = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _: Asked) -> Reply:
        self.somebody_asks.set()
        assert self.opened.wait(PATIENCE)
        return self.reply


def test_threads_share_one_request(service: Service) -> None:
    service.answer = gate = Gate(Reply())
    with (
        Verifier(auth_url=service.url, timeout=PATIENCE) as verifier,
        ThreadPoolExecutor(MANY) as threads,
    ):
        answers = [threads.submit(verifier.verify, SESSION) for _ in range(MANY)]
        assert gate.somebody_asks.wait(PATIENCE)
        gate.opened.set()
        assert {answer.result().actor_id for answer in answers} == {"user:93"}
    assert len(service.asked) == 1


async def _many(verifier: AsyncVerifier, gate: Gate) -> list[object]:
    asking = [asyncio.create_task(verifier.verify(SESSION)) for _ in range(MANY)]
    assert await asyncio.to_thread(gate.somebody_asks.wait, PATIENCE)
    gate.opened.set()
    return list(await asyncio.gather(*asking, return_exceptions=True))


def test_tasks_share_one_request(service: Service) -> None:
    service.answer = gate = Gate(Reply())

    async def ask() -> list[object]:
        async with AsyncVerifier(auth_url=service.url, timeout=PATIENCE) as verifier:
            return await _many(verifier, gate)

    assert len(set(asyncio.run(ask()))) == 1
    assert len(service.asked) == 1


def test_tasks_share_one_refusal(service: Service) -> None:
    service.answer = gate = Gate(Reply(500))

    async def ask() -> list[object]:
        async with AsyncVerifier(auth_url=service.url, timeout=PATIENCE) as verifier:
            return await _many(verifier, gate)

    refusals = asyncio.run(ask())
    assert all(isinstance(refusal, Unavailable) for refusal in refusals)
    assert len(service.asked) == 1
    # Frames have the headers of a request in them, and error trackers show frames.
    assert len({id(refusal) for refusal in refusals}) == MANY, "they share one error"
    for refusal in refusals:
        assert isinstance(refusal, Unavailable)
        assert refusal.__cause__ is refusal.__context__ is None


def test_different_credentials_do_not_share(service: Service) -> None:
    async def ask() -> None:
        async with AsyncVerifier(auth_url=service.url, timeout=PATIENCE) as verifier:
            ways = ({"Authorization": f"Bearer {n}"} for n in range(MANY))
            await asyncio.gather(*(verifier.verify(way) for way in ways))

    asyncio.run(ask())
    assert len(service.asked) == MANY


def test_who_asked_first_may_go_away(service: Service) -> None:
    service.answer = gate = Gate(Reply())

    async def ask() -> str:
        async with AsyncVerifier(auth_url=service.url, timeout=PATIENCE) as verifier:
            first = asyncio.create_task(verifier.verify(SESSION))
            assert await asyncio.to_thread(gate.somebody_asks.wait, PATIENCE)
            second = asyncio.create_task(verifier.verify(SESSION))
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            gate.opened.set()
            return (await second).actor_id

    assert asyncio.run(ask()) == "user:93"
    assert len(service.asked) == 1


def test_closing_in_the_middle_is_unavailable(service: Service) -> None:
    service.answer = gate = Gate(Reply())

    async def ask() -> object:
        verifier = AsyncVerifier(auth_url=service.url, timeout=PATIENCE)
        asking = asyncio.create_task(verifier.verify(SESSION))
        assert await asyncio.to_thread(gate.somebody_asks.wait, PATIENCE)
        await verifier.aclose()
        gate.opened.set()
        (outcome,) = await asyncio.gather(asking, return_exceptions=True)
        await verifier.aclose()
        return outcome

    assert isinstance(asyncio.run(ask()), Unavailable)


def test_old_question_is_not_joined(service: Service) -> None:
    """It may have been decided before the credential was taken back."""
    gate, clock = Gate(Reply()), Clock()
    service.answer = gate

    async def ask() -> str:
        async with AsyncVerifier(auth_url=service.url, timeout=PATIENCE, now=clock) as verifier:
            first = asyncio.create_task(verifier.verify(SESSION))
            assert await asyncio.to_thread(gate.somebody_asks.wait, PATIENCE)
            clock.at += 1.01
            service.answer = lambda _: Reply(body={**_actor(), "actor_id": "user:94"})
            second = (await verifier.verify(SESSION)).actor_id
            gate.opened.set()
            await first
            return second

    assert asyncio.run(ask()) == "user:94"


def _actor() -> dict[str, object]:
    body = Reply().body
    assert isinstance(body, dict)
    return body


def test_key_set_is_fetched_once_for_many(service: Service) -> None:
    key = Key("1")
    service.answer = gate = Gate(Reply(body=key_set(key)))
    with (
        Verifier(issuer=service.url, timeout=PATIENCE) as verifier,
        ThreadPoolExecutor(MANY) as threads,
    ):
        headers = bearer(key.token(service.url))
        answers = [threads.submit(verifier.verify, headers) for _ in range(MANY)]
        assert gate.somebody_asks.wait(PATIENCE)
        gate.opened.set()
        assert {answer.result().actor_id for answer in answers} == {"user:93"}
    assert len(service.asked) == 1


def test_verifier_works_in_one_event_loop_after_another(service: Service) -> None:
    verifier = AsyncVerifier(auth_url=service.url, timeout=PATIENCE)

    async def ask(number: int) -> str:
        try:
            return (await verifier.verify({"Authorization": f"Bearer {number}"})).actor_id
        finally:
            await verifier.aclose()

    assert [asyncio.run(ask(number)) for number in range(3)] == ["user:93"] * 3
