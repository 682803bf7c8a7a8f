"""Asking questions over HTTP, in an event loop."""

import asyncio
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext

import httpx

from gatehouse._actor import ActorIdentity
from gatehouse._questions import Answer, Failure, Question
from gatehouse._refusals import Refusal

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small answer that unpacks to a huge one cannot be counted
    "User-Agent": "gatehouse-python",
}


_Outcome = ActorIdentity | Refusal | None


@dataclass(frozen=True, slots=True)
class _Asked:
    since: float
    outcome: "asyncio.Task[_Outcome]"


class Asker:
    """Asks in one event loop; the same questions at the same time are one request."""

    def __init__(self, now: Callable[[], float]) -> None:
        # The transport and not the client: that keeps cookies, so that one caller's would be
        # sent for the next, and believes .netrc and proxies in the environment.
        self._transport = httpx.AsyncHTTPTransport(verify=_trusted())
        self._now = now
        self._asked: dict[bytes, _Asked] = {}

    async def ask(self, question: Question) -> ActorIdentity | None:
        """Return what was concluded from the answer, or raise the Refusal that was."""
        asked = self._asked.get(question.key)
        # A clock that was put back makes everything old.
        if asked is None or not 0 <= self._now() - asked.since < question.shared_for:
            if question.is_settled():
                return None
            asked = self._ask_anew(question)
        # Whoever asked first may go away while others wait.
        outcome = await asyncio.shield(asked.outcome)
        if isinstance(outcome, Refusal):
            # An error collects the frames it passes, which are not for others who share it.
            raise copy(outcome)
        return outcome

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def _ask_anew(self, question: Question) -> _Asked:
        asked = _Asked(self._now(), asyncio.create_task(self._conclude(question)))
        self._asked[question.key] = asked

        def forget(_: "asyncio.Task[_Outcome]") -> None:
            if self._asked.get(question.key) is asked:
                del self._asked[question.key]

        asked.outcome.add_done_callback(forget)
        return asked

    async def _conclude(self, question: Question) -> _Outcome:
        answer = await self._get(question)
        try:
            return question.conclude(answer)
        except Refusal as refusal:
            return refusal.with_traceback(None)

    async def _get(self, question: Question) -> Answer | Failure:
        try:
            # httpx knows only how long it waits for each byte.
            async with asyncio.timeout(question.timeout):
                return await self._exchange(question)
        except Exception as error:
            # Not all that the layers below raise is theirs: whatever it is, there is no answer.
            return Failure(type(error).__name__)

    async def _exchange(self, question: Question) -> Answer:
        request = httpx.Request("GET", question.url, headers=_HEADERS | question.headers)
        request.extensions["timeout"] = httpx.Timeout(question.timeout).as_dict()
        response = await self._transport.handle_async_request(request)
        try:
            body = await _read_at_most(question.max_bytes, response)
        finally:
            await response.aclose()
        return Answer(
            response.status_code, body, _seconds_until(response.headers.get("retry-after"))
        )


async def _read_at_most(limit: int, response: httpx.Response) -> bytes | None:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


@cache
def _trusted() -> SSLContext:
    """Read the certificates of httpx, or those of SSL_CERT_FILE, which takes a while."""
    return httpx.create_ssl_context()


def _seconds_until(retry_after: str | None) -> int | None:
    """Read a Retry-After (RFC 9110 §10.2.3): a number of seconds, or a date."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return int(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
        return max(0, round((at - datetime.now(UTC)).total_seconds())) if at.tzinfo else None
    except (ValueError, OverflowError):  # the latter for a year that no computer counts to
        return None
