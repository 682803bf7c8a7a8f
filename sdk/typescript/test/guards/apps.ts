/** The same small app in every framework, for the guards' contract and for the live tests. */
import "reflect-metadata";
import type { TestContext } from "node:test";
import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Module,
  UseGuards,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import express from "express";
import Fastify, { type FastifyRequest } from "fastify";
import * as forExpress from "../../src/guards/express.js";
import * as forFastify from "../../src/guards/fastify.js";
import * as forNest from "../../src/guards/nest.js";
import * as forNode from "../../src/guards/node.js";
import {
  type ActorIdentity,
  requireRole,
  Unauthenticated,
  type Verifier,
} from "../../src/index.js";
import { serve } from "../world/server.js";

/**
 * Starts an app on a free port until the test ends and returns its base URL. It
 * answers `/me` with the actor, `/admin` too for those with the role admin or
 * microdao_owner, and `/forgotten` likewise but without knowing who calls.
 */
export type StartApp = (t: TestContext, verifier: Verifier) => Promise<string>;

const ROLES = ["admin", "microdao_owner"] as const;

export const startExpress: StartApp = async (t, verifier) => {
  const app = express();
  app.set("env", "test"); // or its error handler prints every refusal
  const answerActor: express.RequestHandler = (request, response) => {
    response.json(forExpress.actorOf(request));
  };
  const hasRole = forExpress.requireRole(...ROLES);
  app.get("/forgotten", hasRole, answerActor);
  app.use(forExpress.requireActor(verifier));
  app.get("/me", answerActor);
  app.get("/admin", hasRole, answerActor);
  return serve(t, app);
};

const answerActor = async (request: FastifyRequest) => forFastify.actorOf(request);

/** With the guard in front of all routes of a plugin. */
export const startFastify: StartApp = async (t, verifier) => {
  const app = Fastify();
  t.after(() => app.close());
  const preHandler = forFastify.requireRole(...ROLES);
  app.get("/forgotten", { preHandler }, answerActor);
  await app.register(async (guarded) => {
    guarded.addHook("onRequest", forFastify.requireActor(verifier));
    guarded.get("/me", answerActor);
    guarded.get("/admin", { preHandler }, answerActor);
  });
  return app.listen({ host: "127.0.0.1", port: 0 });
};

/** With the guard in front of each route. */
export const startFastifyRoutes: StartApp = async (t, verifier) => {
  const app = Fastify();
  t.after(() => app.close());
  const known = forFastify.requireActor(verifier);
  const hasRole = forFastify.requireRole(...ROLES);
  app.get("/forgotten", { preHandler: hasRole }, answerActor);
  app.get("/me", { preHandler: known }, answerActor);
  app.get("/admin", { preHandler: [known, hasRole] }, answerActor);
  return app.listen({ host: "127.0.0.1", port: 0 });
};

export const startNestOnExpress: StartApp = async (t, verifier) =>
  listen(t, await NestFactory.create(nestApp(verifier), { logger: false }));

export const startNestOnFastify: StartApp = async (t, verifier) => {
  const adapter = new FastifyAdapter();
  const app = nestApp(verifier);
  return listen(
    t,
    await NestFactory.create<NestFastifyApplication>(app, adapter, { logger: false }),
  );
};

export const startNode: StartApp = async (t, verifier) => {
  const guarded = forNode.requireActor(verifier, (request, response, actor) => {
    if (request.url === "/admin") {
      requireRole(actor, ...ROLES);
    }
    response.end(JSON.stringify(actor));
  });
  const refusing: Verifier = {
    verify: async () => {
      throw new Unauthenticated();
    },
  };
  const forgotten = forNode.requireActor(refusing, () => {});
  return serve(t, (request, response) => {
    void (request.url === "/forgotten" ? forgotten : guarded)(request, response);
  });
};

/** A parameter of a method of Nest that is the actor. */
export const Actor = createParamDecorator((_: unknown, context: ExecutionContext) =>
  forNest.actorOf(context.switchToHttp().getRequest()),
);

function nestApp(verifier: Verifier) {
  const hasRole = forNest.requireRole(...ROLES);

  @Controller()
  @UseGuards(new forNest.ActorGuard(verifier))
  class Guarded {
    @Get("me")
    me(@Actor() actor: ActorIdentity) {
      return actor;
    }

    @Get("admin")
    @UseGuards(hasRole)
    admin(@Actor() actor: ActorIdentity) {
      return actor;
    }
  }

  @Controller()
  class Unguarded {
    @Get("forgotten")
    @UseGuards(hasRole)
    forgotten(@Actor() actor: ActorIdentity) {
      return actor;
    }
  }

  @Module({ controllers: [Guarded, Unguarded] })
  class App {}
  return App;
}

interface NestApp {
  listen(port: number, host: string): Promise<unknown>;
  getUrl(): Promise<string>;
  close(): Promise<void>;
}

export async function listen(t: TestContext, app: NestApp): Promise<string> {
  await app.listen(0, "127.0.0.1");
  t.after(() => app.close());
  return app.getUrl();
}
