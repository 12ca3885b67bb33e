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
  /** When each put was due and when it was answered, on the same. */
  readonly dueMs: Float64Array;
  readonly answeredMs: Float64Array;
}

/** Time between two looks at what is due. */
const SLICE_MS = 1;

/** Runs the puts; rejects when one fails. */
export async function pacedPuts({
  target,
  puts,
  perSecond,
  record,
}: PacedPuts): Promise<PacedResult> {
  const answeredMs = new Float64Array(puts);
  const numbers = new Map<number, number>();
  let answered = 0;
  let failed = 0;
  let allDone = (): void => {};
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  const connection = await LoadConnection.open(
    target,
    methodPath(KV.method.put),
    (stream, _bytes, isFailed) => {
      answeredMs[numbers.get(stream) as number] = monotonicMs();
      if (isFailed) failed++;
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
    if (failed > 0) throw new Error(`${failed} of ${puts} puts failed`);
    return { beganMs, dueMs, answeredMs };
  } finally {
    connection.close();
  }
}
