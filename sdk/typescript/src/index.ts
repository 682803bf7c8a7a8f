/** Knows who is calling a service, by asking Gatehouse or by verifying its tokens. */
export type { ActorIdentity, ActorType, Role } from "./actor.js";
export { isWellFormedApiKey } from "./api-key.js";
export type { FetchHeaders, IncomingRequest, PlainHeaders } from "./headers.js";
export type { VerifierOptions } from "./options.js";
export { Forbidden, Refusal, Unauthenticated, Unavailable } from "./refusals.js";
export { requireRole } from "./roles.js";
export { rowSecurityValues, type SqlClient, setRowSecurity } from "./row-security.js";
export { createVerifier, type Verifier } from "./verifier.js";
