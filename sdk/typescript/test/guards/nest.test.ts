import "reflect-metadata";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CanActivate, Controller, Get, Module } from "@nestjs/common";
import { APP_GUARD, NestFactory } from "@nestjs/core";
import { ActorGuard, type Guard, requireRole } from "../../src/guards/nest.js";
import { type ActorIdentity, createVerifier, Unauthenticated } from "../../src/index.js";
import { ada } from "../world/people.js";
import { answer, play } from "../world/server.js";
import { Actor, listen, startNestOnExpress, startNestOnFastify } from "./apps.js";
import { guardsAsAllDo } from "./contract.js";

guardsAsAllDo("Nest on Express", startNestOnExpress);
guardsAsAllDo("Nest on Fastify", startNestOnFastify);

test("Nest: a guard is what Nest calls CanActivate", () => {
  const guard: Guard & CanActivate = requireRole("admin");
  assert.equal(typeof guard.canActivate, "function");
});

test("Nest: the guard can be one for the whole app", async (t) => {
  const house = await play(t, answer(200, ada));

  @Controller()
  class Plain {
    @Get("me")
    me(@Actor() actor: ActorIdentity) {
      return actor;
    }
  }

  @Module({
    controllers: [Plain],
    providers: [
      {
        provide: APP_GUARD,
        useFactory: () => new ActorGuard(createVerifier({ authUrl: house.url })),
      },
    ],
  })
  class App {}

  const url = await listen(t, await NestFactory.create(App, { logger: false }));
  assert.equal((await fetch(`${url}/me`)).status, 401);
  const response = await fetch(`${url}/me`, { headers: { authorization: "Bearer ada" } });
  assert.deepEqual(await response.json(), ada);
});

test("Nest: what does not come by HTTP is refused", async (t) => {
  const house = await play(t, answer(200, ada));
  const guard = new ActorGuard(createVerifier({ authUrl: house.url }));
  const context = {
    getType: () => "ws",
    switchToHttp: () => ({
      getRequest: () => ({ headers: { authorization: "Bearer ada" } }),
      getResponse: () => ({}),
    }),
  };
  await assert.rejects(guard.canActivate(context), Unauthenticated);
});
