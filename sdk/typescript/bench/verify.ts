/**
 * Measures local verification against the bare call of jose that checks the same
 * signature and reads the same claims. Rounds of the two alternate, so that what
 * else the machine does falls on both; the ratio is the median of all rounds.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { createVerifier } from "../src/index.js";

const ROUNDS = 31;
const CALLS = 1000;
const GOAL = 0.9;

const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
const keys = [{ ...(await exportJWK(publicKey)), kid: "bench", alg: "ES256", use: "sig" }];
const house = createServer((_request, response) => response.end(JSON.stringify({ keys })));
await new Promise<void>((listening) => house.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${(house.address() as AddressInfo).port}`;

const token = await new SignJWT({
  actor: {
    actor_id: "user:93",
    actor_type: "human",
    microdao_ids: ["microdao:daarion", "microdao:7"],
    roles: ["member", "microdao_owner"],
    user_id: "93",
  },
})
  .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "bench" })
  .setIssuer(issuer)
  .setAudience(issuer)
  .setSubject("user:93")
  .setIssuedAt()
  .setExpirationTime("1h")
  .sign(privateKey);

const verifier = createVerifier({ issuer });
const headers = { host: "app", accept: "*/*", authorization: `Bearer ${token}` };
const request = { headers, rawHeaders: Object.entries(headers).flat() };

const bare = () => jwtVerify(token, publicKey, { algorithms: ["ES256"], audience: issuer, issuer });
const ours = () => verifier.verify(request);

await callsPerSecond(bare);
await callsPerSecond(ours);
const rounds: { bare: number; ours: number }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  rounds.push({ bare: await callsPerSecond(bare), ours: await callsPerSecond(ours) });
}
house.closeAllConnections();
house.close();

const bareSpeed = median(rounds.map(({ bare }) => bare));
const ourSpeed = median(rounds.map(({ ours }) => ours));
const ratio = median(rounds.map(({ bare, ours }) => ours / bare));
console.log(`jose.jwtVerify   ${bareSpeed.toFixed(0)} per second`);
console.log(`verifier.verify  ${ourSpeed.toFixed(0)} per second`);
console.log(`ratio            ${ratio.toFixed(3)} (median of ${ROUNDS} rounds; goal: ${GOAL})`);

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function callsPerSecond(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) {
    await call();
  }
  return CALLS / ((performance.now() - start) / 1000);
}
