"""The verifier that dependencies use when nobody made one."""

from typing import Unpack

from gatehouse._options import Options
from gatehouse._verifiers import AsyncVerifier

_verifier: AsyncVerifier | None = None


def configure(**options: Unpack[Options]) -> AsyncVerifier:
    """Set how ``require_actor`` verifies, for the whole process.

    What is not given comes from the environment, as it all does without this call. Call it when
    the service starts: it raises ValueError for an option that cannot be meant. It returns the
    verifier, so that its connections can be closed (``aclose``).
    """
    global _verifier
    _verifier = AsyncVerifier(**options)
    return _verifier


def default_verifier() -> AsyncVerifier:
    """Return the verifier of ``configure``, or one made from the environment."""
    return configure() if _verifier is None else _verifier
