"""The name under which services of the city import who is calling; the same as gatehouse."""

from gatehouse import ActorIdentity, require_actor, require_role

__all__ = ["ActorIdentity", "require_actor", "require_role"]
