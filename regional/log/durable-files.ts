import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the creation, renaming and removal of files in a directory survive a power cut. */
export function syncDirectory(path: string): void {
  syncPath(path);
}

/** Replaces a small file as a whole: old content or new, never a part, once it returns for good. */
export function replaceFile(path: string, content: Uint8Array): void {
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** Moves a file onto another of the same directory, for good once it returns. */
export function moveFile(from: string, to: string): void {
  syncPath(from);
  renameSync(from, to);
  syncDirectory(dirname(to));
}

/** Removes files that may or may not be there, for good once it returns. */
export function removeFiles(directory: string, paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
  syncDirectory(directory);
}
