"""Dependencies for FastAPI, also importable from ``gatehouse`` itself.

::

    @app.get("/protected")
    async def protected(actor: ActorIdentity = Depends(require_actor)): ...

Tests of a service say who is calling with
``app.dependency_overrides[require_actor] = lambda: ActorIdentity("user:1", "human")``.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.openapi.models import APIKey, HTTPBearer
from fastapi.openapi.models import SecurityBase as Scheme
from fastapi.requests import HTTPConnection
from fastapi.security.base import SecurityBase

from gatehouse._actor import ActorIdentity
from gatehouse._default import default_verifier
from gatehouse._refusals import Refusal
from gatehouse._roles import check_role, must_name_roles

__all__ = ["require_actor", "require_role"]


class _Documented(SecurityBase):
    """Makes the button "Authorize" of the service's documentation, and nothing else."""

    def __init__(self, name: str, scheme: Scheme) -> None:
        self.scheme_name = name
        self.model = scheme

    async def __call__(self) -> None:
        return None


_KEY = _Documented("API key", APIKey.model_validate({"in": "header", "name": "X-API-Key"}))
_BEARER = _Documented("Session token, API key or JWT", HTTPBearer())
_COOKIE = _Documented("Session", APIKey.model_validate({"in": "cookie", "name": "session_token"}))


async def require_actor(
    connection: HTTPConnection,
    _key: Annotated[None, Depends(_KEY)] = None,
    _bearer: Annotated[None, Depends(_BEARER)] = None,
    _cookie: Annotated[None, Depends(_COOKIE)] = None,
) -> ActorIdentity:
    """Say who is calling, or answer 401, 403 or 503 with ``{"detail": …}``.

    Works for websockets as well, before they are accepted.
    """
    try:
        return await default_verifier().verify(connection.headers)
    except Refusal as refusal:
        raise _answer(refusal) from None


def require_role(*roles: str) -> Callable[[ActorIdentity], Awaitable[ActorIdentity]]:
    """Make a dependency like ``require_actor`` that lets pass who has any of these roles.

    A ``system_admin`` passes, too; anybody else is answered 403. Raises ValueError without any
    role.
    """
    must_name_roles(roles)

    async def require_one_of_them(
        actor: Annotated[ActorIdentity, Depends(require_actor)],
    ) -> ActorIdentity:
        try:
            check_role(actor, *roles)
        except Refusal as refusal:
            raise _answer(refusal) from None
        return actor

    return require_one_of_them


def _answer(refusal: Refusal) -> HTTPException:
    return HTTPException(refusal.status, refusal.detail, refusal.headers or None)
