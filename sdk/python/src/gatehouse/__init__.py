"""Knows who is calling a service, by asking Gatehouse or by verifying its tokens.

FastAPI: ``actor: ActorIdentity = Depends(require_actor)``. Everything else: ``Verifier`` and
``AsyncVerifier``, which raise a ``Refusal``.
"""

from typing import TYPE_CHECKING

from gatehouse._actor import ActorIdentity, ActorType
from gatehouse._api_keys import is_well_formed_api_key
from gatehouse._default import configure
from gatehouse._options import Options
from gatehouse._refusals import Forbidden, Refusal, Unauthenticated, Unavailable
from gatehouse._roles import check_role
from gatehouse._verifiers import AsyncVerifier, Verifier
from gatehouse.row_security import row_security_values, set_row_security, set_row_security_async

if TYPE_CHECKING:
    from gatehouse.fastapi import require_actor, require_role

__all__ = [
    "ActorIdentity",
    "ActorType",
    "AsyncVerifier",
    "Forbidden",
    "Options",
    "Refusal",
    "Unauthenticated",
    "Unavailable",
    "Verifier",
    "check_role",
    "configure",
    "is_well_formed_api_key",
    "require_actor",
    "require_role",
    "row_security_values",
    "set_row_security",
    "set_row_security_async",
]


def __getattr__(name: str) -> object:
    """Import what needs FastAPI only for those who use it."""
    if name not in ("require_actor", "require_role"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from gatehouse import fastapi
    except ImportError as error:
        raise ImportError(f"{name} needs FastAPI: pip install 'gatehouse[fastapi]'") from error
    return getattr(fastapi, name)
