import { AtollError } from "../../shared/errors.js";
import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type Entry,
  EntryType,
  NO_BYTES,
} from "./types.js";

/**
 * Membership changes as bytes in the log: the protobuf layout of etcd-io/raft's
 * `raftpb.ConfChange` (entry type confChange: exactly one change) and `ConfChangeV2`.
 * A change that leaves a joint configuration encodes to nothing at all.
 */

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;

function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

function pushNumber(out: number[], field: number, value: number): void {
  if (value === 0) return;
  out.push((field << 3) | WIRE_VARINT);
  pushVarint(out, value);
}

function pushBytes(out: number[], field: number, bytes: ArrayLike<number>): void {
  out.push((field << 3) | WIRE_BYTES);
  pushVarint(out, bytes.length);
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i] as number);
}

/** Bytes for an entry of type confChangeV2. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const out: number[] = [];
  pushNumber(out, 1, change.transition);
  for (const single of change.changes) {
    const inner: number[] = [];
    pushNumber(inner, 1, single.type);
    pushNumber(inner, 2, single.nodeId);
    pushBytes(out, 2, inner);
  }
  if (change.context.length > 0) pushBytes(out, 3, change.context);
  return Uint8Array.from(out);
}

/**
 * Bytes for an entry of type confChange, the older form.
 * @throws AtollError INVALID_ARGUMENT unless it is one change with transition `auto`
 */
export function encodeConfChangeV1(change: ConfChange): Uint8Array {
  const single = change.changes[0];
  if (
    single === undefined ||
    change.changes.length !== 1 ||
    change.transition !== ConfChangeTransition.auto
  ) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      "an entry of type confChange holds exactly one change with transition auto; use confChangeV2",
    );
  }
  const out: number[] = [];
  pushNumber(out, 2, single.type);
  pushNumber(out, 3, single.nodeId);
  if (change.context.length > 0) pushBytes(out, 4, change.context);
  return Uint8Array.from(out);
}

function malformed(what: string): AtollError {
  return new AtollError("DATA_LOSS", `membership change: ${what}`);
}

interface Field {
  readonly field: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** Splits a protobuf message that has only varint and length-delimited fields. */
function readFields(data: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = data[at++];
      if (byte === undefined) throw malformed("it ends in the middle of a number");
      value += (byte & 127) * scale;
      if (!Number.isSafeInteger(value)) throw malformed("a number is out of range");
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < data.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const value = varint();
    if (tag % 8 === WIRE_VARINT) {
      fields.push({ field, value, bytes: NO_BYTES });
    } else if (tag % 8 === WIRE_BYTES) {
      if (at + value > data.length) throw malformed(`field ${field} is cut off`);
      fields.push({ field, value: 0, bytes: data.subarray(at, at + value) });
      at += value;
    } else {
      throw malformed(`field ${field} has an unknown wire type`);
    }
  }
  return fields;
}

function oneOf<T extends number>(values: Readonly<Record<string, T>>, value: number): T {
  for (const known of Object.values(values)) if (known === value) return known;
  throw malformed(`unknown type ${value}`);
}

function decodeSingle(data: Uint8Array): ConfChangeSingle {
  let type: ConfChangeType = ConfChangeType.addNode;
  let nodeId = 0;
  for (const { field, value } of readFields(data)) {
    if (field === 1) type = oneOf(ConfChangeType, value);
    else if (field === 2) nodeId = value;
  }
  return { type, nodeId };
}

function decodeV1(data: Uint8Array): ConfChange {
  let type: ConfChangeType = ConfChangeType.addNode;
  let nodeId = 0;
  let context = NO_BYTES;
  for (const { field, value, bytes } of readFields(data)) {
    if (field === 2) type = oneOf(ConfChangeType, value);
    else if (field === 3) nodeId = value;
    else if (field === 4) context = bytes;
  }
  return { transition: ConfChangeTransition.auto, changes: [{ type, nodeId }], context };
}

function decodeV2(data: Uint8Array): ConfChange {
  let transition: ConfChangeTransition = ConfChangeTransition.auto;
  const changes: ConfChangeSingle[] = [];
  let context = NO_BYTES;
  for (const { field, value, bytes } of readFields(data)) {
    if (field === 1) transition = oneOf(ConfChangeTransition, value);
    else if (field === 2) changes.push(decodeSingle(bytes));
    else if (field === 3) context = bytes;
  }
  return { transition, changes, context };
}

/**
 * The membership change in an entry of type confChange or confChangeV2.
 * @throws AtollError DATA_LOSS naming what is malformed
 */
export function decodeConfChange(entry: Pick<Entry, "type" | "data">): ConfChange {
  if (entry.type === EntryType.confChange) return decodeV1(entry.data);
  if (entry.type === EntryType.confChangeV2) return decodeV2(entry.data);
  throw malformed("the entry is of type normal");
}

/** True if the change only leaves a joint configuration. */
export function leavesJoint(change: ConfChange): boolean {
  return change.transition === ConfChangeTransition.auto && change.changes.length === 0;
}

/** True if the change must go through a joint configuration. */
export function entersJoint(change: ConfChange): boolean {
  return change.transition !== ConfChangeTransition.auto || change.changes.length > 1;
}
