import type { ActorIdentity } from "../../src/index.js";

export const ada: ActorIdentity = {
  actor_id: "user:93",
  actor_type: "human",
  microdao_ids: ["microdao:daarion", "microdao:7"],
  roles: ["member", "microdao_owner"],
  user_id: "93",
};

export const sofia: ActorIdentity = {
  actor_id: "agent:sofia",
  actor_type: "agent",
  microdao_ids: [],
  roles: ["agent"],
  user_id: "",
};

export const root: ActorIdentity = {
  ...ada,
  actor_id: "user:1",
  user_id: "1",
  roles: ["system_admin"],
};
