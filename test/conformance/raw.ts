import {
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { AtollError } from "../../shared/errors.js";
import type { RpcClient } from "../../shared/rpc/client.js";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** One unary request that both servers get. */
export interface Step {
  readonly title: string;
  readonly run: (client: RpcClient) => Promise<Json>;
}

/** Names whose values are a cluster's own: they are kept as names only. */
const OWN = new Set(["clusterId", "memberId", "raftTerm"]);

/** A lease's remaining seconds depend on when one asks; near its grant they say "FULL". */
function remaining(ttl: Json, granted: Json): Json {
  const missing = Number(granted) - Number(ttl);
  return missing >= 0 && missing <= 3 ? "FULL" : ttl;
}

function normalise(value: Json): Json {
  if (Array.isArray(value)) return value.map(normalise);
  if (value === null || typeof value !== "object") return value;
  const result: { [key: string]: Json } = {};
  for (const [key, field] of Object.entries(value)) {
    if (OWN.has(key)) result[key] = "OWN";
    else if (key === "TTL" && value["grantedTTL"] !== undefined) {
      result[key] = remaining(field, value["grantedTTL"]);
    } else result[key] = normalise(field);
  }
  return result;
}

/** An answer as JSON, without what can't be equal on two clusters. */
export function answerJson<T extends DescMessage>(schema: T, message: MessageShape<T>): Json {
  return normalise(toJson(schema, message));
}

/** What a caller sees of a failure: code and text. */
export function failureJson(thrown: unknown): Json {
  if (!(thrown instanceof AtollError)) throw thrown;
  return { code: thrown.code, message: thrown.message };
}

/** A step of a table: a method and its request. */
export function step<I extends DescMessage>(
  title: string,
  method: DescMethod & { input: I; output: DescMessage; methodKind: "unary" },
  request: MessageInitShape<I>,
): Step {
  return {
    title,
    run: async (client) => {
      try {
        return answerJson(method.output, await client.unary(method, request));
      } catch (error) {
        return failureJson(error);
      }
    },
  };
}

/** Two steps on one member; the result is the second's. */
export function after(first: Step, second: Step): Step {
  return {
    title: second.title,
    run: async (client) => {
      await first.run(client);
      return second.run(client);
    },
  };
}
