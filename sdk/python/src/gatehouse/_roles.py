"""Letting somebody pass for a role."""

from gatehouse._actor import ActorIdentity
from gatehouse._refusals import Forbidden


def check_role(actor: ActorIdentity, *roles: str) -> None:
    """Let an actor pass who has any of these roles, or is a ``system_admin``.

    Raises Forbidden otherwise, and ValueError without any role: that is a mistake, not a check.
    """
    must_name_roles(roles)
    if not actor.has_role(*roles):
        raise Forbidden(f"This needs the role {' or '.join(roles)}")


def must_name_roles(roles: tuple[str, ...]) -> None:
    """Check this where guards are made, so that the mistake shows when a service starts."""
    if not roles or not all(isinstance(role, str) and role for role in roles):
        raise ValueError("at least one role is needed, and none may be empty")
