import { startFastify, startFastifyRoutes } from "./apps.js";
import { guardsAsAllDo } from "./contract.js";

guardsAsAllDo("Fastify, onRequest of a plugin", startFastify);
guardsAsAllDo("Fastify, preHandler of a route", startFastifyRoutes);
