"""Identities and roles."""

import dataclasses

import pytest
from service import ACTOR

from gatehouse import ActorIdentity, Forbidden, check_role
from gatehouse._actor import read_actor

ADA = ActorIdentity("user:1", "human", ("microdao:a",), ("member", "admin"), "1")


def test_identity_cannot_be_changed_and_can_be_a_key() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ADA.user_id = "2"  # type: ignore[misc]
    same = ActorIdentity("user:1", "human", ("microdao:a",), ("member", "admin"), "1")
    assert {ADA: 1}[same] == 1
    assert dataclasses.replace(ADA, roles=()) != ADA


def test_identity_is_the_wire_in_both_directions() -> None:
    actor = read_actor(ACTOR)
    assert actor is not None
    assert {**dataclasses.asdict(actor)} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in ACTOR.items()
    }


@pytest.mark.parametrize(
    ("roles", "wanted", "passes"),
    [
        (("member",), ("member",), True),
        (("member",), ("admin", "member"), True),
        (("member",), ("admin",), False),
        (("system_admin",), ("admin",), True),
        ((), ("member",), False),
        (("MEMBER",), ("member",), False),
        (("member_of_nothing",), ("member",), False),
    ],
)
def test_roles(roles: tuple[str, ...], wanted: tuple[str, ...], passes: bool) -> None:  # noqa: FBT001
    actor = dataclasses.replace(ADA, roles=roles)
    assert actor.has_role(*wanted) == passes
    if passes:
        check_role(actor, *wanted)
    else:
        with pytest.raises(Forbidden):
            check_role(actor, *wanted)


@pytest.mark.parametrize("roles", [(), ("",), ("member", "")])
def test_check_without_a_role_is_a_mistake(roles: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="role"):
        check_role(ADA, *roles)
