"""Who is calling."""

from dataclasses import dataclass
from typing import Literal, get_args

ActorType = Literal["human", "agent", "service"]
"""What kind of actor calls."""

_ACTOR_TYPES: tuple[ActorType, ...] = get_args(ActorType)
_ADMIN_OF_ALL = "system_admin"


@dataclass(frozen=True, slots=True)
class ActorIdentity:
    """Who is calling.

    Names are those of the wire. It is frozen and hashable, as requests that come at the same
    moment with the same credential share one object. Being a plain dataclass, it can be a field
    of a Pydantic model and the answer of a FastAPI route; ``dataclasses.asdict`` makes a dict.
    """

    actor_id: str
    """For instance ``user:93``; never empty."""
    actor_type: ActorType
    microdao_ids: tuple[str, ...] = ()
    """For instance ``("microdao:daarion", "microdao:7")``."""
    roles: tuple[str, ...] = ()
    """``system_admin``, ``microdao_owner``, ``admin``, ``member``, ``agent``, or later ones."""
    user_id: str = ""
    """For instance ``93``; empty when the actor is not human."""

    def has_role(self, *roles: str) -> bool:
        """Whether the actor has any of these roles, or is a ``system_admin``."""
        return any(role == _ADMIN_OF_ALL or role in roles for role in self.roles)


def read_actor(value: object) -> ActorIdentity | None:
    """Read an identity from parsed JSON: anything that is not exactly one is None.

    Members that are not ours are left out.
    """
    if not isinstance(value, dict):
        return None
    actor_id = value.get("actor_id")
    actor_type = value.get("actor_type")
    microdao_ids = _texts(value.get("microdao_ids"))
    roles = _texts(value.get("roles"))
    user_id = value.get("user_id")
    if user_id is None:  # as good as not there
        user_id = ""
    if (
        not _is_text(actor_id)
        or not actor_id
        or actor_type not in _ACTOR_TYPES
        or microdao_ids is None
        or roles is None
        or not _is_text(user_id)
    ):
        return None
    return ActorIdentity(actor_id, actor_type, microdao_ids, roles, user_id)


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) and all(map(_is_text, value)) else None


def _is_text(value: object) -> bool:
    """Half a surrogate pair is a str to Python, and text to nobody else."""
    if not isinstance(value, str):
        return False
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
