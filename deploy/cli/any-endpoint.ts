import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { AtollError, type Code, errorText } from "../../shared/errors.js";
import { RpcClient } from "../../shared/rpc/client.js";
import type { TopologyRegion } from "../../shared/topology.js";
import type { Environment } from "./environment.js";

/** Time that one endpoint gets before the next is asked. */
const ENDPOINT_TIMEOUT_MS = 2_000;

/** Failures that another endpoint may not have. */
const TRY_NEXT: ReadonlySet<Code> = new Set([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "UNKNOWN",
]);

/** A method with one request and one answer. */
export type UnaryMethod<I extends DescMessage, O extends DescMessage> = DescMethod & {
  readonly input: I;
  readonly output: O;
  readonly methodKind: "unary";
};

/** Calls one endpoint once. */
export async function callOne<I extends DescMessage, O extends DescMessage>(
  target: string,
  method: UnaryMethod<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const client = new RpcClient(target);
  try {
    return await client.unary(method, request, { timeoutMs: ENDPOINT_TIMEOUT_MS });
  } finally {
    client.close();
  }
}

/** Asks one member of a region once, by the way that the region wants. */
export async function callMember<I extends DescMessage, O extends DescMessage>(
  environment: Environment,
  region: TopologyRegion,
  address: string,
  method: UnaryMethod<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const only = { endpoints: [address], timeoutMs: ENDPOINT_TIMEOUT_MS };
  const client = environment.etcdClient(region, only);
  try {
    return await client.unary(method, request, { kind: "read" });
  } finally {
    client.close();
  }
}

/**
 * Runs `call` on the first of the endpoints that answers. `what` names them in the error when
 * none does: UNAVAILABLE with what each of them said. Other errors are thrown as they come.
 */
async function firstToAnswer<T>(
  targets: readonly string[],
  what: string,
  call: (target: string) => Promise<T>,
): Promise<T> {
  const reasons: string[] = [];
  for (const target of targets) {
    try {
      return await call(target);
    } catch (error) {
      if (!(error instanceof AtollError) || !TRY_NEXT.has(error.code)) throw error;
      reasons.push(`${target}: ${errorText(error)}`);
    }
  }
  throw new AtollError(
    "UNAVAILABLE",
    `no ${what} answers (${reasons.join("; ")}); is the playground running?`,
  );
}

/** Calls a unary method on the first of the endpoints that answers. */
export function callAny<I extends DescMessage, O extends DescMessage>(
  targets: readonly string[],
  what: string,
  method: UnaryMethod<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  return firstToAnswer(targets, what, (target) => callOne(target, method, request));
}
