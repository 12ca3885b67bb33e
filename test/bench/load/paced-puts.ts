import { create, toBinary } from "@bufbuild/protobuf";
import { utf8 } from "../../../shared/bytes.js";
import { KV, PutRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { methodPath } from "../../../shared/rpc/service.js";
import { LoadConnection } from "./connection.js";
import { grpcMessage } from "./frames.js";
import { monotonicMs } from "./monotonic.js";

/** Puts at an even pace, whether or not they are answered. */
export interface PacedPuts {
  /** host:port */
  readonly target: string;
  readonly puts: number;
  readonly perSecond: number;
  /** The record of the n-th. */
  readonly record: (n: number) => { readonly key: string; readonly value: string };
}

export interface PacedResult {
  /** On the machine's monotonic clock. */
  readonly beganMs: number;
  /** When each put was due and when it was answered, on the same; NaN for those that were refused. */
  readonly dueMs: Float64Array;
  readonly answeredMs: Float64Array;
  readonly refused: readonly number[];
}

/** Time between two looks at what is due. */
const SLICE_MS = 1;

/**
 * Runs the puts. A store may refuse some of them when it has too many under way (etcd
 * does): these are not answered, and their numbers are in the result.
 */
export async function pacedPuts({
  target,
  puts,
  perSecond,
  record,
}: PacedPuts): Promise<PacedResult> {
  const answeredMs = new Float64Array(puts);
  const numbers = new Map<number, number>();
  const refused: number[] = [];
  let answered = 0;
  let allDone = (): void => {};
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  const connection = await LoadConnection.open(
    target,
    methodPath(KV.method.put),
    (stream, _bytes, isFailed) => {
      const number = numbers.get(stream) as number;
      answeredMs[number] = isFailed ? Number.NaN : monotonicMs();
      if (isFailed) refused.push(number);
      if (++answered === puts) allDone();
    },
  );
  try {
    const beganMs = monotonicMs();
    const dueMs = Float64Array.from({ length: puts }, (_, n) => beganMs + (n * 1e3) / perSecond);
    for (let begun = 0; begun < puts; ) {
      const nowMs = monotonicMs();
      for (; begun < puts && (dueMs[begun] as number) <= nowMs; begun++) {
        const { key, value } = record(begun);
        const put = create(PutRequestSchema, { key: utf8(key), value: utf8(value) });
        numbers.set(connection.call(grpcMessage(toBinary(PutRequestSchema, put))), begun);
      }
      await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
    }
    await done;
    return { beganMs, dueMs, answeredMs, refused };
  } finally {
    connection.close();
  }
}
