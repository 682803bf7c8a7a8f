"""A service as its authors write it. Tests run it in a real uvicorn."""

import logging

from fastapi import Depends, FastAPI, WebSocket
from models import ActorIdentity
from pydantic import BaseModel

from actor_context import require_actor
from gatehouse import configure, require_role

logging.basicConfig(level=logging.DEBUG)  # tests look at what is logged
configure(timeout=60)  # machines that test are slow; the rest is from the environment

app = FastAPI()


@app.get("/protected")
async def protected(actor: ActorIdentity = Depends(require_actor)):  # type: ignore[no-untyped-def] # noqa: ANN201
    return {"hello": actor.actor_id, "roles": actor.roles}


@app.get("/me")
async def me(actor: ActorIdentity = Depends(require_actor)) -> ActorIdentity:
    return actor


class Note(BaseModel):
    text: str
    author: ActorIdentity


@app.get("/note")
async def note(actor: ActorIdentity = Depends(require_actor)) -> Note:
    return Note(text="hello", author=actor)


@app.post("/note")
async def echo(note: Note) -> Note:
    return note


@app.get("/sync")
def in_a_thread(actor: ActorIdentity = Depends(require_actor)) -> str:
    return actor.actor_id


@app.get("/owners", dependencies=[Depends(require_role("microdao_owner"))])
async def owners() -> str:
    return "owners"


@app.get("/agents-or-admins")
async def agents_or_admins(actor: ActorIdentity = Depends(require_role("agent", "admin"))) -> str:
    return actor.actor_id


@app.get("/twice", dependencies=[Depends(require_role("member"))])
async def twice(actor: ActorIdentity = Depends(require_actor)) -> str:
    return actor.actor_id


@app.websocket("/socket")
async def socket(socket: WebSocket, actor: ActorIdentity = Depends(require_actor)) -> None:
    await socket.accept()
    await socket.send_text(actor.actor_id)
    await socket.close()
