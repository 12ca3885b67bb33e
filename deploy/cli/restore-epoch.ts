import { randomBytes } from "node:crypto";
import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import {
  encodeIncarnation,
  type Incarnation,
  parseIncarnation,
} from "../../shared/etcd/incarnation.js";
import type { KeyValue } from "../../shared/etcd/key-value.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../shared/etcd/keys.js";
import { get, txn } from "../../shared/etcd/kv.js";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Environment } from "./environment.js";
import { gatherHoldings, knownLives, silentGateways } from "./holdings.js";
import { confirm } from "./orders.js";

export interface RaiseOptions {
  /** Revision that the restore went back to; found from the lineage key when not given. */
  readonly baseRevision: number | undefined;
  readonly yes: boolean;
}

/**
 * `atoll region restore-epoch raise`: begins a new incarnation of a region whose store was
 * restored, above all that the region and its reachable peers know of.
 *
 * What was written in the life before counts as kept up to the base revision. That is the
 * last lineage record in the restored store, since gateways refuse it from then on; it may
 * be a second older than the backup, never younger.
 */
export async function raiseRestoreEpoch(
  environment: Environment,
  name: string,
  options: RaiseOptions,
): Promise<void> {
  const [region] = environment.regions([name]);
  if (region === undefined) return;
  const client = environment.etcdClient(region);
  try {
    const before = await get(client, INCARNATION_KEY);
    const lineage = (await get(client, LINEAGE_KEY)).kv;
    const { revision } = before.header;
    const base = options.baseRevision ?? lineage?.modRevision ?? 0;
    if (base > revision) {
      const message = `--base-revision: ${base} is after the store's revision, ${revision}`;
      throw new AtollError("INVALID_ARGUMENT", message);
    }
    const parent = before.kv && parseIncarnation(fromUtf8(before.kv.value));
    const holdings = await gatherHoldings(environment, [name]);
    const counters = knownLives(holdings, name).map((life) => life.counter);
    const next: Incarnation = {
      counter: 1 + Math.max(parent?.counter ?? 0, ...counters),
      nonce: randomBytes(16).toString("hex"),
      baseRevision: base,
      parentNonce: parent?.nonce ?? "",
    };
    const what = `${name} begins incarnation ${next.counter} at revision ${revision}, with nothing kept of the one before past revision ${base}`;
    const silent = silentGateways(holdings);
    const unasked = silent.length === 0 ? "" : ` (${silent.join(", ")} could not be asked)`;
    confirm(options.yes, what + unasked);
    await begin(client, before.kv, next);
    if (environment.form === "json") environment.json({ region: name, ...next, silent });
    else environment.line(`done: ${what}${unasked}`);
  } finally {
    client.close();
  }
}

/** Writes the incarnation, if the one before it still stands. Throws ABORTED when it doesn't. */
async function begin(
  client: EtcdClient,
  before: KeyValue | undefined,
  next: Incarnation,
): Promise<void> {
  const key = utf8(INCARNATION_KEY);
  const { succeeded } = await txn(client, {
    compare: [
      {
        key,
        target: Compare_CompareTarget.MOD,
        result: Compare_CompareResult.EQUAL,
        targetUnion: { case: "modRevision", value: BigInt(before?.modRevision ?? 0) },
      },
    ],
    success: [
      { request: { case: "requestPut", value: { key, value: utf8(encodeIncarnation(next)) } } },
    ],
  });
  if (succeeded) return;
  throw new AtollError(
    "ABORTED",
    "somebody else has begun another incarnation meanwhile; look again",
  );
}
