import assert from "node:assert/strict";
import { once } from "node:events";
import { request as open } from "node:http";
import { type TestContext, test } from "node:test";
import { createVerifier } from "../../src/index.js";
import { ada, root, sofia } from "../world/people.js";
import { answer, play } from "../world/server.js";
import type { StartApp } from "./apps.js";

/** What every guard does alike, over real HTTP. */
export function guardsAsAllDo(framework: string, start: StartApp): void {
  const scene = async (t: TestContext) => {
    const house = await play(t, (request, response) => {
      const who = { "Bearer ada": ada, "Bearer sofia": sofia, "Bearer root": root };
      const actor = who[request.headers.authorization as keyof typeof who];
      (actor ? answer(200, actor) : answer(401))(request, response);
    });
    const app = await start(t, createVerifier({ authUrl: house.url, timeoutMs: 2000 }));
    const get = (path: string, as?: string) =>
      fetch(app + path, { headers: as === undefined ? {} : { authorization: `Bearer ${as}` } });
    return { house, app, get };
  };

  test(`${framework}: whoever is known gets in, and the app knows who it is`, async (t) => {
    const { get } = await scene(t);
    const response = await get("/me", "ada");
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), ada);
  });

  test(`${framework}: requests at the same time keep their own actors`, async (t) => {
    const { get } = await scene(t);
    const people = { ada, sofia, root };
    const names = Object.keys(people) as (keyof typeof people)[];
    const sent = Array.from({ length: 30 }, (_, i) => names[i % 3] ?? "ada");
    const ids = await Promise.all(sent.map(async (name) => (await get("/me", name)).json()));
    assert.deepEqual(
      ids,
      sent.map((name) => people[name]),
    );
  });

  test(`${framework}: whoever is unknown is answered 401, and asked for a bearer`, async (t) => {
    const { get } = await scene(t);
    for (const path of ["/me", "/admin"]) {
      for (const name of [undefined, "mallory", "dk_mistyped"]) {
        const response = await get(path, name);
        assert.equal(response.status, 401);
        assert.equal(response.headers.get("www-authenticate"), "Bearer");
        assert.doesNotMatch(await response.text(), /user:|mallory|dk_mistyped/);
      }
    }
  });

  test(`${framework}: whoever has none of the roles is answered 403`, async (t) => {
    const { get } = await scene(t);
    assert.equal((await get("/admin", "sofia")).status, 403);
    assert.equal((await get("/admin", "ada")).status, 200);
    assert.equal((await get("/admin", "root")).status, 200);
  });

  test(`${framework}: an auth service that is busy is answered 503, with its Retry-After`, async (t) => {
    const { house, get } = await scene(t);
    house.answer = answer(503, "", { "retry-after": "3" });
    const response = await get("/me", "ada");
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "3");
  });

  test(`${framework}: a role is not checked where a forgotten guard leaves the actor unknown`, async (t) => {
    const { get } = await scene(t);
    assert.equal((await get("/forgotten", "root")).status, 401);
  });

  test(`${framework}: two Authorization headers are nobody's`, async (t) => {
    const { app, house } = await scene(t);
    const headers = ["Authorization", "Bearer ada", "authorization", "Bearer root"];
    assert.equal(await statusOf(`${app}/me`, ["Host", "app", ...headers]), 401);
    assert.equal(house.asked.length, 0);
  });
}

/** Fetch would join headers with the same name. */
async function statusOf(url: string, headers: string[]): Promise<number | undefined> {
  const sent = open(url, { headers });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  return response.statusCode;
}
