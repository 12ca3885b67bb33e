import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { LogFile } from "../../../regional/log/log-file.js";
import { decodeEntries, encodeRow } from "../../../regional/log/row.js";
import type { Entry, HardState, SnapshotMetadata } from "../../../regional/raft/types.js";
import { identity, initial } from "./entries.js";

/** A directory that goes away with the test. */
export function tempDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "atoll-log-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What a log file holds. */
export interface Contents {
  readonly base: SnapshotMetadata;
  readonly hardState: HardState;
  readonly sequence: number;
  /** Of the entries past the base: index, term, type and data as text. */
  readonly entries: readonly string[];
}

export function describeEntry(entry: Entry): string {
  return `${entry.index}/${entry.term}/${entry.type}/${Buffer.from(entry.data).toString("latin1")}`;
}

/** Opens a log file and reads all of it. */
export function openFile(path: string): { file: LogFile; contents: Contents } {
  const file = LogFile.open({ path, identity, initial, create: true });
  try {
    const rows = [...file.rows()];
    const { base, hardState, sequence } = file.head;
    const entries: Entry[] = [];
    for (const row of rows) decodeEntries(row, base.index, entries);
    return { file, contents: { base, hardState, sequence, entries: entries.map(describeEntry) } };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Opens, reads, closes. */
export function readContents(path: string): Contents {
  const { file, contents } = openFile(path);
  file.close();
  return contents;
}

export const hard = (term: number, vote: number, commit: number): HardState => ({
  term,
  vote,
  commit,
});

/** A row as the main thread would hand it over. */
export function rowOf(entries: readonly Entry[], sequence: number, hardState: HardState): Buffer {
  return encodeRow(entries, sequence, hardState);
}
