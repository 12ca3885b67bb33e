import { fromBinaryKey, fromUtf8, toBinaryKey, utf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import {
  encodeIncarnation,
  type Incarnation,
  parseIncarnation,
} from "../../shared/etcd/incarnation.js";
import type { AnswerHeader } from "../../shared/etcd/key-value.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../shared/etcd/keys.js";
import { get, type RangeQuery, range, txn } from "../../shared/etcd/kv.js";
import { encodeLineage, type Lineage, parseLineage } from "../../shared/etcd/lineage.js";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  Maintenance,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { LineageThen, Seen } from "./admission.js";
import type { KeyRange, Page, PageRequest } from "./scan.js";

/** What a store says of itself, and what to hold later writes against. */
export interface Head extends Seen {
  /** Version of the lineage key; 0 when it isn't there. */
  readonly lineageVersion: number;
  /** Mod revision of the lineage key; 0 when it isn't there. */
  readonly lineageRevision: number;
  readonly clusterId: string;
}

/** How a store is reached. */
export interface Access {
  readonly client: EtcdClient;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What every answer must come from; undefined before the first one. */
  readonly clusterId?: string;
}

const EQUAL = Compare_CompareResult.EQUAL;

/**
 * Sees to it that answers come from one cluster: endpoints of two would be read as
 * one state that never was. Throws ABORTED naming both.
 */
export function checkCluster(header: AnswerHeader, clusterId: string | undefined): void {
  if (clusterId === undefined || header.clusterId === clusterId) return;
  throw new AtollError(
    "ABORTED",
    `the endpoints belong to different clusters, ${clusterId} and ${header.clusterId}`,
  );
}

/**
 * Reads incarnation and lineage at one revision, linearizably: the newest one unless given.
 * Throws DATA_LOSS naming the key when one of them isn't what it should be, OUT_OF_RANGE
 * where the revision is compacted.
 */
export async function readHead(access: Access, revision?: number): Promise<Head> {
  const keys = [INCARNATION_KEY, LINEAGE_KEY];
  const success = keys.map((key) => rangeOp(key, revision));
  const { header, responses } = await naming(
    `reading ${keys.join(" and ")}`,
    txn(access.client, { success }, { ...access, kind: "read" }),
  );
  const [incarnation, lineage] = responses.map((response) =>
    response.response.case === "responseRange" ? response.response.value.kvs[0] : undefined,
  );
  const lineageRevision = Number(lineage?.modRevision ?? 0n);
  return {
    revision: revision ?? header.revision,
    clusterId: header.clusterId,
    incarnation: incarnation && parseIncarnation(fromUtf8(incarnation.value)),
    lineage: lineage && { ...parseLineage(fromUtf8(lineage.value)), revision: lineageRevision },
    lineageVersion: Number(lineage?.version ?? 0n),
    lineageRevision,
  };
}

function rangeOp(key: string, revision = 0) {
  const value = { key: utf8(key), revision: BigInt(revision) };
  return { request: { case: "requestRange" as const, value } };
}

/** Writes the region's first incarnation, unless somebody has. */
export async function createIncarnation(access: Access, incarnation: Incarnation): Promise<void> {
  const request = {
    compare: [
      {
        key: utf8(INCARNATION_KEY),
        target: Compare_CompareTarget.VERSION,
        result: EQUAL,
        targetUnion: { case: "version" as const, value: 0n },
      },
    ],
    success: [putOp(INCARNATION_KEY, encodeIncarnation(incarnation))],
  };
  await naming(`writing ${INCARNATION_KEY}`, txn(access.client, request, access));
}

/**
 * Writes the next lineage record, if the key still is at `lineageRevision` and the
 * incarnation is still this one. False when it isn't: somebody else wrote.
 */
export async function writeLineage(
  access: Access,
  {
    incarnation,
    lineageRevision,
    next,
  }: {
    readonly incarnation: Incarnation;
    readonly lineageRevision: number;
    readonly next: Lineage;
  },
): Promise<boolean> {
  const request = {
    compare: [
      {
        key: utf8(LINEAGE_KEY),
        target: Compare_CompareTarget.MOD,
        result: EQUAL,
        targetUnion: { case: "modRevision" as const, value: BigInt(lineageRevision) },
      },
      {
        key: utf8(INCARNATION_KEY),
        target: Compare_CompareTarget.VALUE,
        result: EQUAL,
        targetUnion: { case: "value" as const, value: utf8(encodeIncarnation(incarnation)) },
      },
    ],
    success: [putOp(LINEAGE_KEY, encodeLineage(next))],
  };
  const { succeeded } = await naming(`writing ${LINEAGE_KEY}`, txn(access.client, request, access));
  return succeeded;
}

function putOp(key: string, value: string) {
  return {
    request: { case: "requestPut" as const, value: { key: utf8(key), value: utf8(value) } },
  };
}

/** What the lineage key held at a revision. */
export async function lineageAt(access: Access, revision: number): Promise<LineageThen> {
  try {
    const { kvs } = await range(access.client, { key: LINEAGE_KEY, revision }, access);
    return kvs[0] === undefined ? "nothing" : parseLineage(fromUtf8(kvs[0].value));
  } catch (error) {
    if (error instanceof AtollError && error.code === "OUT_OF_RANGE") return "unknown";
    throw error;
  }
}

/** The store's revision, read linearizably. */
export async function readRevision(access: Access): Promise<number> {
  const { header } = await naming(
    `reading ${LINEAGE_KEY}`,
    get(access.client, LINEAGE_KEY, access),
  );
  checkCluster(header, access.clusterId);
  return header.revision;
}

/** Reads a page, linearizably. Throws OUT_OF_RANGE where its revision is compacted. */
export async function readPage(access: Access, request: PageRequest): Promise<Page> {
  const beganMs = performance.now();
  const at = request.revision === undefined ? {} : { revision: request.revision };
  const { header, kvs, more } = await naming(
    "reading all keys from / to 0",
    range(access.client, { ...rangeQuery(request), limit: request.limit, ...at }, access),
  );
  checkCluster(header, access.clusterId);
  let bytes = 0;
  const records = kvs.map(({ key, value, modRevision }) => {
    bytes += key.length + value.length;
    return { key: toBinaryKey(key), value, modRevision };
  });
  const tookMs = performance.now() - beganMs;
  return { revision: request.revision ?? header.revision, records, more, bytes, tookMs };
}

/** How many keys a range holds; undefined when that can't be told. */
export async function countKeys(access: Access, keys: KeyRange): Promise<number | undefined> {
  try {
    return (await range(access.client, { ...rangeQuery(keys), countOnly: true }, access)).count;
  } catch {
    return undefined;
  }
}

function rangeQuery({ key, end }: KeyRange): RangeQuery {
  return { key: fromBinaryKey(key), end: fromBinaryKey(end) };
}

/** Says what was to be done where a right is missing, since etcd doesn't. */
async function naming<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof AtollError) || error.code !== "PERMISSION_DENIED") throw error;
    const { code, message, details } = error;
    throw new AtollError(code, `${what}: ${message}`, { cause: error, details });
  }
}

/** Version of the server at the client's current endpoint; empty when it doesn't say. */
export async function serverVersion(access: Access): Promise<string> {
  try {
    const channel = access.client.currentChannel();
    const { headers } = access.client;
    const status = await channel.unary(Maintenance.method.status, {}, { ...access, headers });
    return status.version;
  } catch {
    return "";
  }
}
