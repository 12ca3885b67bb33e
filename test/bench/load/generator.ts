import { LoadConnection } from "./connection.js";
import { type LoadKind, pathOf, requestMaker } from "./requests.js";

/** One load: `inFlight` calls kept open over `connections`, until `calls` are done. */
export interface LoadOptions {
  readonly kind: LoadKind;
  readonly targets: readonly string[];
  readonly inFlight: number;
  readonly connections: number;
  /** Keys are `prefix` and a number from `firstKey`, each used once, modulo `keys`. */
  readonly prefix: string;
  readonly firstKey: number;
  readonly keys: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly failed: number;
  readonly seconds: number;
  /** Microseconds, sorted. */
  readonly latenciesUs: Float64Array;
  /** Smallest answer, to see that answers hold what they should. */
  readonly minAnswerBytes: number;
}

/** A connection and when each of its open calls began. */
interface Slot {
  readonly connection: LoadConnection;
  readonly startedMs: Map<number, number>;
}

/**
 * Runs a load. A new call begins the moment one ends, until the time is over; calls
 * still open then are waited for and counted.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const make = requestMaker(options.kind, options.prefix);
  const path = pathOf(options.kind);
  const latencies: number[] = [];
  let failed = 0;
  let minAnswerBytes = Number.POSITIVE_INFINITY;
  let sent = 0;
  let open = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let allDone = (): void => {};
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  const issue = (slot: Slot): void => {
    const key = options.firstKey + (sent % options.keys);
    sent += 1;
    open += 1;
    slot.startedMs.set(slot.connection.call(make(key)), performance.now());
  };
  const connect = async (target: string): Promise<Slot> => {
    const startedMs = new Map<number, number>();
    const slot: Slot = {
      startedMs,
      connection: await LoadConnection.open(target, path, (stream, bytes, isFailed) => {
        const now = performance.now();
        latencies.push((now - (startedMs.get(stream) ?? now)) * 1000);
        startedMs.delete(stream);
        open -= 1;
        if (isFailed) failed += 1;
        else minAnswerBytes = Math.min(minAnswerBytes, bytes);
        if (now < deadline) issue(slot);
        else if (open === 0) allDone();
      }),
    };
    return slot;
  };
  const slots: Slot[] = [];
  for (let i = 0; i < options.connections; i++) {
    slots.push(await connect(options.targets[i % options.targets.length] as string));
  }
  const start = performance.now();
  deadline = start + options.durationMs;
  for (let i = 0; i < options.inFlight; i++) {
    issue(slots[i % slots.length] as Slot);
  }
  await done;
  const seconds = (performance.now() - start) / 1000;
  for (const { connection } of slots) connection.close();
  return {
    calls: latencies.length,
    failed,
    seconds,
    latenciesUs: Float64Array.from(latencies).sort(),
    minAnswerBytes,
  };
}
