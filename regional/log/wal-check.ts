/**
 * Finds damage in a write-ahead log that SQLite would pass over in silence.
 *
 * After a crash SQLite replays its WAL up to the first frame whose checksum is wrong and
 * drops the rest: right for a transaction that was cut short, which nobody was told of,
 * but it also forgets every synced transaction behind a byte that rotted. The two can be
 * told apart: a transaction begins only after the fsync of the one before has returned,
 * so nothing intact can follow a transaction that was merely cut short. (A damaged *last*
 * transaction can't be told from one cut short; that is so for every log.)
 *
 * The rule needs that every frame of one generation of the WAL belongs to one process:
 * the log is checkpointed and its WAL emptied at each start.
 *
 * Format: https://sqlite.org/fileformat2.html#walformat
 */
import { existsSync, readFileSync } from "node:fs";
import { AtollError } from "../../shared/errors.js";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
const MIN_PAGE_BYTES = 512;
const MAX_PAGE_BYTES = 65_536;

interface Sum {
  readonly a: number;
  readonly b: number;
}

interface Wal {
  readonly bytes: Buffer;
  readonly bigEndian: boolean;
  readonly frameBytes: number;
  readonly frames: number;
}

function addTo(sum: Sum, bytes: Buffer, from: number, to: number, bigEndian: boolean): Sum {
  let { a, b } = sum;
  for (let at = from; at < to; at += 8) {
    a = (a + (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + b) >>> 0;
    b = (b + (bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + a) >>> 0;
  }
  return { a, b };
}

function storedSum(bytes: Buffer, at: number): Sum {
  return { a: bytes.readUInt32BE(at), b: bytes.readUInt32BE(at + 4) };
}

function equal(x: Sum, y: Sum): boolean {
  return x.a === y.a && x.b === y.b;
}

function frameAt(wal: Wal, frame: number): number {
  return HEADER_BYTES + frame * wal.frameBytes;
}

/** Whether a frame's stored checksum continues `before`. */
function continues(wal: Wal, frame: number, before: Sum): boolean {
  const { bytes, bigEndian, frameBytes } = wal;
  const at = frameAt(wal, frame);
  const head = addTo(before, bytes, at, at + 8, bigEndian);
  const whole = addTo(head, bytes, at + FRAME_HEADER_BYTES, at + frameBytes, bigEndian);
  return equal(whole, storedSum(bytes, at + 16));
}

function sumOf(wal: Wal, frame: number): Sum {
  return storedSum(wal.bytes, frame < 0 ? 24 : frameAt(wal, frame) + 16);
}

function hasSalts(wal: Wal, frame: number): boolean {
  const at = frameAt(wal, frame) + 8;
  return wal.bytes.compare(wal.bytes, 16, 24, at, at + 8) === 0;
}

function isCommit(wal: Wal, frame: number): boolean {
  return wal.bytes.readUInt32BE(frameAt(wal, frame) + 4) !== 0;
}

/** Intact by itself: of this generation, and continuing what the frame before it says. */
function survives(wal: Wal, frame: number): boolean {
  return hasSalts(wal, frame) && continues(wal, frame, sumOf(wal, frame - 1));
}

/**
 * A later transaction than that of the broken frame is there. A frame whose salts and
 * checksum are both wrong may be an older generation's, in the place of one that never
 * reached the disk, so its commit mark says nothing.
 */
function laterTransactionThan(wal: Wal, broken: number): boolean {
  const ours = hasSalts(wal, broken) || continues(wal, broken, sumOf(wal, broken - 1));
  let ended = ours && isCommit(wal, broken);
  for (let frame = broken + 1; frame < wal.frames; frame++) {
    if (!survives(wal, frame)) continue;
    if (ended) return true;
    ended = isCommit(wal, frame);
  }
  return false;
}

function brokenFrame(wal: Wal): number | null {
  for (let frame = 0; frame < wal.frames; frame++) {
    if (!survives(wal, frame)) return frame;
  }
  return null;
}

function parse(bytes: Buffer, pageBytes: number, bigEndian: boolean): Wal {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const frames = Math.floor((bytes.length - HEADER_BYTES) / frameBytes);
  return { bytes, bigEndian, frameBytes, frames };
}

/** A header that fails its own checksum, while the first frame continues from it. */
function headerRotted(bytes: Buffer, pageBytes: number): boolean {
  return [false, true].some((bigEndian) => {
    const wal = parse(bytes, pageBytes, bigEndian);
    if (wal.frames === 0) return false;
    const computed = addTo({ a: 0, b: 0 }, bytes, 0, 24, bigEndian);
    return continues(wal, 0, sumOf(wal, -1)) || continues(wal, 0, computed);
  });
}

/**
 * Throws DATA_LOSS when the WAL of the database `file`, whose pages have `pageBytes`, holds
 * synced transactions that SQLite would drop. To be called before SQLite opens it.
 */
export function checkWal(file: string, pageBytes: number): void {
  const path = `${file}-wal`;
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  if (bytes.length < HEADER_BYTES) return;
  const magic = bytes.readUInt32BE(0);
  const bigEndian = magic === MAGIC + 1;
  const size = bytes.readUInt32BE(8);
  const known = magic === MAGIC || bigEndian;
  const sane = size >= MIN_PAGE_BYTES && size <= MAX_PAGE_BYTES;
  const sum = addTo({ a: 0, b: 0 }, bytes, 0, 24, bigEndian);
  if (!known || !sane || !equal(sum, storedSum(bytes, 24))) {
    if (!headerRotted(bytes, pageBytes)) return;
    throw corrupt(path, "its header is damaged, and synced transactions follow it");
  }
  const wal = parse(bytes, size, bigEndian);
  const broken = brokenFrame(wal);
  if (broken !== null && laterTransactionThan(wal, broken)) {
    throw corrupt(
      path,
      `frame ${broken} (byte ${frameAt(wal, broken)}) is damaged, and synced transactions follow it`,
    );
  }
}

function corrupt(path: string, text: string): AtollError {
  return new AtollError(
    "DATA_LOSS",
    `the write-ahead log ${path} is corrupt: ${text}; this member must rejoin as a new one`,
  );
}
