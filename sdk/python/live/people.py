"""The people of the demo, and what they show to say who they are."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from gatehouse import ActorIdentity

USER, ADMIN, SOFIA = "user@daarion.city", "admin@daarion.city", "sofia@agents.daarion.city"


def variable(name: str) -> str:
    value = os.environ.get(name)
    assert value, f"{name} is not set: sdk/with-gatehouse sdk/python/check live"
    return value.rstrip("/")


@contextmanager
def at_the_auth_service() -> Iterator[httpx.Client]:
    """A client of the face that AUTH_SERVICE_URL names."""
    url = variable("AUTH_SERVICE_URL")
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def sign_in(auth: httpx.Client, email: str) -> dict[str, Any]:
    answer = auth.post("/auth/login", json={"email": email, "password": "any"})
    auth.cookies.clear()  # or the next one would be this one, too
    assert answer.status_code == 200, answer.text
    signed_in: dict[str, Any] = answer.json()
    return signed_in


def api_key(auth: httpx.Client, session_token: str) -> dict[str, Any]:
    answer = auth.post(
        "/auth/api-keys",
        json={"description": "SDK", "expires_days": 30},
        headers=bearer(session_token),
    )
    assert answer.status_code == 200, answer.text
    key: dict[str, Any] = answer.json()
    return key


def jwt(email: str) -> str:
    answer = httpx.post(
        f"{variable('GATEHOUSE_ISSUER')}/api/v1/login",
        json={"email": email, "password": "any"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def as_answered(actor: dict[str, Any]) -> ActorIdentity:
    return ActorIdentity(
        actor["actor_id"],
        actor["actor_type"],
        tuple(actor["microdao_ids"]),
        tuple(actor["roles"]),
        actor.get("user_id", ""),
    )
