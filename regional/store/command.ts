/**
 * The data of a log entry: a fixed header, then the body.
 *
 * | bytes | what |
 * |---|---|
 * | 0 | format version, COMMAND_VERSION |
 * | 1 | kind, one of CommandKind |
 * | 2–9 | member id of the proposer, big-endian |
 * | 10–17 | the proposer's sequence number, big-endian |
 * | 18– | body, whose format the kind decides |
 *
 * An entry without data is one that a new leader makes; it does nothing.
 */

/** Format version of commands that this code makes. */
export const COMMAND_VERSION = 1;

/** Bytes before the body. */
export const COMMAND_HEADER_BYTES = 18;

/**
 * What a command does; the number is on the wire and on disk. The body is the protobuf
 * encoding of the named message of `etcdserverpb`.
 */
export const CommandKind = {
  /** PutRequest. */
  put: 1,
  /** DeleteRangeRequest. */
  deleteRange: 2,
  /** TxnRequest. */
  txn: 3,
  /** CompactionRequest. */
  compaction: 4,
  /** LeaseGrantRequest with its ID chosen and its TTL raised to the minimum by the proposer. */
  leaseGrant: 5,
  /** LeaseRevokeRequest: a client asked for it. */
  leaseRevoke: 6,
  /** Made by encodeExpiry: the leader of a term found leases expired. */
  leaseExpire: 7,
  /** Made by encodeCheckpoint: the leader of a term tells remaining times. */
  leaseCheckpoint: 8,
  /** Member: its name and client URLs, as it says itself; the rest is left as it is. */
  memberPublish: 9,
  /** Member with its peer URLs; the context of a configuration change, as the next two. */
  memberAdd: 10,
  /** Member of which only the id counts. */
  memberRemove: 11,
  /** Member of which only the id counts: a learner becomes a voter. */
  memberPromote: 12,
  /** Member: where others reach it from now on; name and client URLs are left as they are. */
  memberMove: 13,
} as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

const TWO_TO_32 = 2 ** 32;

function writeSafe(into: Uint8Array, at: number, value: number): void {
  let high = Math.floor(value / TWO_TO_32);
  let low = value % TWO_TO_32;
  for (let i = 3; i >= 0; i--) {
    into[at + i] = high & 0xff;
    into[at + 4 + i] = low & 0xff;
    high >>>= 8;
    low >>>= 8;
  }
}

function readSafe(from: Uint8Array, at: number): number {
  let high = 0;
  let low = 0;
  for (let i = 0; i < 4; i++) {
    high = high * 256 + (from[at + i] ?? 0);
    low = low * 256 + (from[at + 4 + i] ?? 0);
  }
  return high * TWO_TO_32 + low;
}

/**
 * The data of one entry: header and body in one allocation, the body's bytes copied once.
 * `proposer` and `sequence` are safe integers, at least 0.
 */
export function encodeCommand(
  kind: CommandKind,
  proposer: number,
  sequence: number,
  body: Uint8Array,
): Uint8Array {
  const data = Buffer.allocUnsafe(COMMAND_HEADER_BYTES + body.length);
  data[0] = COMMAND_VERSION;
  data[1] = kind;
  writeSafe(data, 2, proposer);
  writeSafe(data, 10, sequence);
  data.set(body, COMMAND_HEADER_BYTES);
  return data;
}

/** Kind of a command; 0 for data that is not a command of this format. */
export function commandKind(data: Uint8Array): number {
  if (data.length < COMMAND_HEADER_BYTES || data[0] !== COMMAND_VERSION) return 0;
  return data[1] as number;
}

/** Member id of the entry's proposer; 0 for an entry that is not a command. */
export function commandProposer(data: Uint8Array): number {
  return data.length < COMMAND_HEADER_BYTES ? 0 : readSafe(data, 2);
}

/** Sequence number that the proposer gave; 0 for an entry that is not a command. */
export function commandSequence(data: Uint8Array): number {
  return data.length < COMMAND_HEADER_BYTES ? 0 : readSafe(data, 10);
}
