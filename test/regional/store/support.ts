import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { LeaseCheckpointItem } from "../../../regional/lease/commands.js";
import { encodeCheckpoint, encodeExpiry } from "../../../regional/lease/commands.js";
import { CommandKind, encodeCommand } from "../../../regional/store/command.js";
import type { Outcome, TxnOpOutcome } from "../../../regional/store/outcome.js";
import type { BackendRecord } from "../../../regional/store/records.js";
import type { KvRow } from "../../../regional/store/row.js";
import { RegionState } from "../../../regional/store/state.js";
import { fromBinaryKey, toBinaryKey } from "../../../shared/bytes.js";
import {
  CompactionRequestSchema,
  DeleteRangeRequestSchema,
  LeaseGrantRequestSchema,
  LeaseRevokeRequestSchema,
  MemberSchema,
  PutRequestSchema,
  RangeRequestSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";

export const CONF_STATE = {
  voters: [11, 22, 33],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

/** Bytes of a text in which each character is one byte. */
export const bytes = fromBinaryKey;

const PROPOSER = 11;

export type Init<S extends Parameters<typeof create>[0]> = MessageInitShape<S>;

/** Command data by kind, from the fields of the request. */
export const command = {
  put: (fields: Init<typeof PutRequestSchema>): Uint8Array =>
    encode(CommandKind.put, toBinary(PutRequestSchema, create(PutRequestSchema, fields))),
  deleteRange: (fields: Init<typeof DeleteRangeRequestSchema>): Uint8Array =>
    encode(
      CommandKind.deleteRange,
      toBinary(DeleteRangeRequestSchema, create(DeleteRangeRequestSchema, fields)),
    ),
  txn: (fields: Init<typeof TxnRequestSchema>): Uint8Array =>
    encode(CommandKind.txn, toBinary(TxnRequestSchema, create(TxnRequestSchema, fields))),
  compact: (revision: bigint): Uint8Array =>
    encode(
      CommandKind.compaction,
      toBinary(CompactionRequestSchema, create(CompactionRequestSchema, { revision })),
    ),
  grant: (ID: bigint, TTL: bigint): Uint8Array =>
    encode(
      CommandKind.leaseGrant,
      toBinary(LeaseGrantRequestSchema, create(LeaseGrantRequestSchema, { ID, TTL })),
    ),
  revoke: (ID: bigint): Uint8Array =>
    encode(
      CommandKind.leaseRevoke,
      toBinary(LeaseRevokeRequestSchema, create(LeaseRevokeRequestSchema, { ID })),
    ),
  expire: (term: number, ids: readonly bigint[]): Uint8Array =>
    encode(CommandKind.leaseExpire, encodeExpiry(term, ids)),
  checkpoint: (term: number, items: readonly LeaseCheckpointItem[]): Uint8Array =>
    encode(CommandKind.leaseCheckpoint, encodeCheckpoint(term, items)),
  member: (
    fields: Init<typeof MemberSchema>,
    kind: CommandKind = CommandKind.memberPublish,
  ): Uint8Array => encode(kind, toBinary(MemberSchema, create(MemberSchema, fields))),
};

export function encode(kind: CommandKind, body: Uint8Array): Uint8Array {
  return encodeCommand(kind, PROPOSER, 7, body);
}

/** A pair as tests compare it. */
export interface PlainKv {
  readonly key: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly value: string;
  readonly lease: bigint;
}

export function plain(row: KvRow): PlainKv {
  return {
    key: row.key,
    create: row.createRevision,
    mod: row.modRevision,
    version: row.version,
    value: toBinaryKey(row.value()),
    lease: row.lease,
  };
}

/** An outcome with its rows made plain; an error by its text. */
export function plainOutcome(outcome: Outcome | TxnOpOutcome | undefined): unknown {
  switch (outcome?.kind) {
    case "put":
      return { ...outcome, prevKv: outcome.prevKv && plain(outcome.prevKv) };
    case "deleteRange":
      return { ...outcome, prevKvs: outcome.prevKvs.map(plain) };
    case "range":
      return { ...outcome, kvs: outcome.kvs.map(plain) };
    case "txn":
      return { ...outcome, responses: outcome.responses.map(plainOutcome) };
    case "error":
      return { kind: "error", revision: outcome.revision, error: outcome.error.message };
    default:
      return outcome;
  }
}

/** A state and the position in the log that its next entry has. */
export class Driver {
  state = new RegionState(CONF_STATE);
  term = 1;
  #index = 0;

  apply(data: Uint8Array): Outcome {
    this.#index++;
    return this.state.apply(this.#index, this.term, data);
  }

  put(key: string, value: string, fields: Init<typeof PutRequestSchema> = {}): Outcome {
    return this.apply(command.put({ key: bytes(key), value: bytes(value), ...fields }));
  }

  del(key: string, rangeEnd = ""): Outcome {
    return this.apply(command.deleteRange({ key: bytes(key), rangeEnd: bytes(rangeEnd) }));
  }

  range(
    key: string,
    rangeEnd = "",
    fields: Init<typeof RangeRequestSchema> = {},
  ): ReturnType<RegionState["range"]> {
    const request = { key: bytes(key), rangeEnd: bytes(rangeEnd), ...fields };
    return this.state.range(create(RangeRequestSchema, request));
  }

  /** The values of a range by key, or the error's text. */
  values(key: string, rangeEnd = "", revision = 0): Record<string, string> | string {
    const outcome = this.range(key, rangeEnd, { revision: BigInt(revision) });
    if (outcome.kind === "error") return outcome.error.message;
    return Object.fromEntries(outcome.kvs.map((row) => [row.key, toBinaryKey(row.value())]));
  }

  tidyAll(): void {
    while (this.state.tidy());
  }
}

/** A state made of another one's records. */
export function reload(records: Iterable<BackendRecord>): RegionState {
  const loader = RegionState.loader();
  for (const record of records) loader.add(record);
  return loader.finish();
}

/** Records as text that can be compared. */
export function printable(records: Iterable<BackendRecord>): string[] {
  return [...records].map(({ table, key, value }) => {
    const name = typeof key === "number" ? String(key) : Buffer.from(key).toString("hex");
    return `${table} ${name} ${value === null ? "-" : Buffer.from(value).toString("latin1")}`;
  });
}
