/**
 * Bodies of the commands that a leader makes for leases. Both carry the term of the leader
 * that decided them: when an entry's term is another (a deposed leader's proposal was
 * forwarded to the new one), it does nothing.
 *
 * | bytes | what |
 * |---|---|
 * | 0 | format version, 1 |
 * | 1–8 | term |
 * | then for each lease | 8: id; in checkpoints 8 more: remaining seconds |
 *
 * Integers are big-endian, 64 bits.
 */

const VERSION = 1;
const HEAD_BYTES = 9;
const EXPIRY_BYTES = 8;
const CHECKPOINT_BYTES = 16;

/** Remaining time of a lease that the leader wants in the log. */
export interface LeaseCheckpointItem {
  readonly id: bigint;
  /** Whole seconds; 0 resets it to the granted time. */
  readonly remainingTtl: number;
}

/** A decoded leaseExpire body. */
export interface Expiry {
  readonly term: number;
  readonly ids: readonly bigint[];
}

/** A decoded leaseCheckpoint body. */
export interface Checkpoint {
  readonly term: number;
  readonly items: readonly LeaseCheckpointItem[];
}

function begin(term: number, count: number, itemBytes: number): DataView {
  const view = new DataView(new ArrayBuffer(HEAD_BYTES + count * itemBytes));
  view.setUint8(0, VERSION);
  view.setBigUint64(1, BigInt(term));
  return view;
}

function open(body: Uint8Array, itemBytes: number): DataView | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body.length < HEAD_BYTES || view.getUint8(0) !== VERSION) return undefined;
  return (body.length - HEAD_BYTES) % itemBytes === 0 ? view : undefined;
}

/** Body of a leaseExpire command: the leader of `term` found these leases expired. */
export function encodeExpiry(term: number, ids: readonly bigint[]): Uint8Array {
  const view = begin(term, ids.length, EXPIRY_BYTES);
  for (const [i, id] of ids.entries()) view.setBigInt64(HEAD_BYTES + i * EXPIRY_BYTES, id);
  return new Uint8Array(view.buffer);
}

/** Undefined when the bytes are no such body. */
export function decodeExpiry(body: Uint8Array): Expiry | undefined {
  const view = open(body, EXPIRY_BYTES);
  if (view === undefined) return undefined;
  const ids: bigint[] = [];
  for (let at = HEAD_BYTES; at < body.length; at += EXPIRY_BYTES) ids.push(view.getBigInt64(at));
  return { term: Number(view.getBigUint64(1)), ids };
}

/** Body of a leaseCheckpoint command made by the leader of `term`. */
export function encodeCheckpoint(term: number, items: readonly LeaseCheckpointItem[]): Uint8Array {
  const view = begin(term, items.length, CHECKPOINT_BYTES);
  for (const [i, item] of items.entries()) {
    const at = HEAD_BYTES + i * CHECKPOINT_BYTES;
    view.setBigInt64(at, item.id);
    view.setBigUint64(at + 8, BigInt(item.remainingTtl));
  }
  return new Uint8Array(view.buffer);
}

/** Undefined when the bytes are no such body. */
export function decodeCheckpoint(body: Uint8Array): Checkpoint | undefined {
  const view = open(body, CHECKPOINT_BYTES);
  if (view === undefined) return undefined;
  const items: LeaseCheckpointItem[] = [];
  for (let at = HEAD_BYTES; at < body.length; at += CHECKPOINT_BYTES) {
    items.push({ id: view.getBigInt64(at), remainingTtl: Number(view.getBigUint64(at + 8)) });
  }
  return { term: Number(view.getBigUint64(1)), items };
}
