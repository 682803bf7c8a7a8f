"""A service of the city, written before there was a Gatehouse: the first route is word for word
that of its documentation."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

from fastapi import Depends, FastAPI

app = FastAPI()

from actor_context import require_actor
from models import ActorIdentity

@app.get("/protected")
async def protected_route(
    actor: ActorIdentity = Depends(require_actor)
):
    # actor.actor_id, actor.roles, etc.
    ...

from actor_context import require_role

@app.get("/who")
async def who(actor: ActorIdentity = Depends(require_actor)):
    return actor

@app.get("/admins")
async def admins(actor: ActorIdentity = Depends(require_role("system_admin"))):
    return actor.actor_id
