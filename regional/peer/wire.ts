import { AtollError } from "../../shared/errors.js";
import {
  type Entry,
  type EntryType,
  type Message,
  MessageType,
  makeMessage,
} from "../raft/index.js";
import { Cursor } from "./cursor.js";

/*
 * Raft messages as bytes. A payload of type `raft` is messages one after the other:
 *
 *   type u8, flags u8, from f64, term f64, logTerm f64, index f64, commit f64,
 *   [rejectHint f64], [priority u8], [context: length u16, bytes], [entries]
 *
 * Entries: count u32, index of the first f64, then each: type u8 (its high bit: a term
 * f64 follows, which holds for the next ones too), length u32, data. An append's entries
 * have consecutive indexes, so one stands for all.
 */

const FLAG_REJECT = 1;
const FLAG_REJECT_HINT = 2;
const FLAG_CONTEXT = 4;
const FLAG_ENTRIES = 8;
const FLAG_PRIORITY = 16;
const KNOWN_FLAGS = FLAG_REJECT | FLAG_REJECT_HINT | FLAG_CONTEXT | FLAG_ENTRIES | FLAG_PRIORITY;

const FIXED_BYTES = 2 + 5 * 8;
const ENTRIES_HEAD_BYTES = 4 + 8;
const ENTRY_HEAD_BYTES = 5;
const TERM_FOLLOWS = 0x80;

/** The types that travel in `raft` frames; snapshots have a connection of their own. */
export const TRAVELLING_TYPES: ReadonlySet<number> = new Set([
  MessageType.app,
  MessageType.appResp,
  MessageType.vote,
  MessageType.voteResp,
  MessageType.heartbeat,
  MessageType.heartbeatResp,
  MessageType.transferLeader,
  MessageType.timeoutNow,
  MessageType.readIndex,
  MessageType.readIndexResp,
  MessageType.preVote,
  MessageType.preVoteResp,
]);

function entriesBytes(entries: readonly Entry[]): number {
  let bytes = ENTRIES_HEAD_BYTES;
  let term = -1;
  for (const entry of entries) {
    bytes += ENTRY_HEAD_BYTES + entry.data.length;
    if (entry.term !== term) {
      bytes += 8;
      term = entry.term;
    }
  }
  return bytes;
}

function writeEntries(target: Buffer, start: number, entries: readonly Entry[]): number {
  let at = target.writeUInt32LE(entries.length, start);
  at = target.writeDoubleLE((entries[0] as Entry).index, at);
  let term = -1;
  for (const entry of entries) {
    if (entry.term === term) {
      target[at++] = entry.type;
    } else {
      target[at++] = entry.type | TERM_FOLLOWS;
      at = target.writeDoubleLE(entry.term, at);
      term = entry.term;
    }
    at = target.writeUInt32LE(entry.data.length, at);
    target.set(entry.data, at);
    at += entry.data.length;
  }
  return at;
}

/**
 * Writes messages; keeps the last encoded run of entries, because a leader sends the
 * same run to all its followers.
 */
export class MessageEncoder {
  #entries: readonly Entry[] = [];
  #encoded: Buffer | undefined;

  /** Bytes of one message in a payload. */
  size(message: Message): number {
    let bytes = FIXED_BYTES;
    if (message.rejectHint !== 0) bytes += 8;
    if (message.priority !== 0) bytes++;
    if (message.context !== null) bytes += 2 + message.context.length;
    if (message.entries.length > 0) bytes += this.#entriesOf(message.entries).length;
    return bytes;
  }

  /** Writes a message at `start` and gives the position after it. */
  write(target: Buffer, start: number, message: Message): number {
    const { context, entries } = message;
    let flags = message.reject ? FLAG_REJECT : 0;
    if (message.rejectHint !== 0) flags |= FLAG_REJECT_HINT;
    if (message.priority !== 0) flags |= FLAG_PRIORITY;
    if (context !== null) flags |= FLAG_CONTEXT;
    if (entries.length > 0) flags |= FLAG_ENTRIES;
    let at = target.writeUInt8(message.type, start);
    at = target.writeUInt8(flags, at);
    at = target.writeDoubleLE(message.from, at);
    at = target.writeDoubleLE(message.term, at);
    at = target.writeDoubleLE(message.logTerm, at);
    at = target.writeDoubleLE(message.index, at);
    at = target.writeDoubleLE(message.commit, at);
    if (message.rejectHint !== 0) at = target.writeDoubleLE(message.rejectHint, at);
    if (message.priority !== 0) at = target.writeUInt8(message.priority, at);
    if (context !== null) {
      at = target.writeUInt16LE(context.length, at);
      target.set(context, at);
      at += context.length;
    }
    if (entries.length > 0) {
      const encoded = this.#entriesOf(entries);
      target.set(encoded, at);
      at += encoded.length;
    }
    return at;
  }

  #entriesOf(entries: readonly Entry[]): Buffer {
    const last = this.#entries;
    if (
      this.#encoded !== undefined &&
      last.length === entries.length &&
      last[0] === entries[0] &&
      last.at(-1) === entries.at(-1)
    ) {
      return this.#encoded;
    }
    const encoded = Buffer.allocUnsafe(entriesBytes(entries));
    writeEntries(encoded, 0, entries);
    this.#entries = entries;
    this.#encoded = encoded;
    return encoded;
  }

  /** Forgets the kept run, so that its memory can go. */
  forget(): void {
    this.#entries = [];
    this.#encoded = undefined;
  }
}

function entryType(value: number): EntryType {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new AtollError("DATA_LOSS", `a peer sent an entry of unknown type ${value}`);
}

function readEntries(cursor: Cursor): Entry[] {
  const count = cursor.u32();
  const first = cursor.safe();
  if (count * ENTRY_HEAD_BYTES > cursor.remaining) {
    throw new AtollError("DATA_LOSS", `a peer announced ${count} entries in a frame too short`);
  }
  const entries: Entry[] = [];
  let term = 0;
  for (let i = 0; i < count; i++) {
    const head = cursor.u8();
    if ((head & TERM_FOLLOWS) !== 0) term = cursor.safe();
    else if (i === 0) throw new AtollError("DATA_LOSS", "a peer's first entry has no term");
    const type = entryType(head & ~TERM_FOLLOWS);
    entries.push({ term, index: first + i, type, data: cursor.bytes(cursor.u32()) });
  }
  return entries;
}

function readMessage(cursor: Cursor, sender: number, to: number): Message {
  const type = cursor.u8();
  const flags = cursor.u8();
  if (!TRAVELLING_TYPES.has(type) || (flags & ~KNOWN_FLAGS) !== 0) {
    throw new AtollError("DATA_LOSS", `a peer sent a message of type ${type}, flags ${flags}`);
  }
  const from = cursor.safe();
  // A follower passes on read requests of others, but nobody speaks in another's name.
  if (from !== sender && type !== MessageType.readIndex) {
    throw new AtollError("DATA_LOSS", `member ${sender} sent a message as member ${from}`);
  }
  return makeMessage({
    type: type as MessageType,
    to,
    from,
    term: cursor.safe(),
    logTerm: cursor.safe(),
    index: cursor.safe(),
    commit: cursor.safe(),
    reject: (flags & FLAG_REJECT) !== 0,
    rejectHint: (flags & FLAG_REJECT_HINT) === 0 ? 0 : cursor.safe(),
    priority: (flags & FLAG_PRIORITY) === 0 ? 0 : cursor.u8(),
    context: (flags & FLAG_CONTEXT) === 0 ? null : cursor.bytes(cursor.u16()),
    entries: (flags & FLAG_ENTRIES) === 0 ? [] : readEntries(cursor),
  });
}

/**
 * The messages of one `raft` payload from `sender`, addressed to `to`. Entries' data are
 * views of the payload. Throws DATA_LOSS when it isn't such a payload.
 */
export function decodeMessages(payload: Buffer, sender: number, to: number): Message[] {
  const cursor = new Cursor(payload);
  const messages: Message[] = [];
  while (cursor.remaining > 0) messages.push(readMessage(cursor, sender, to));
  return messages;
}
