/** What voters have acknowledged; absent for one that said nothing. */
export type Acknowledged = ReadonlyMap<number, number>;

/**
 * A picture of who acknowledged what: a voter's bar is as long as there are voters behind it.
 * The form is that of etcd-io/raft's `quorum/majority.go`.
 */
export function drawQuorum(voters: readonly number[], acknowledged: Acknowledged): string[] {
  const width = voters.length;
  const indexOf = (id: number): number => acknowledged.get(id) ?? 0;
  const lines = [`${" ".repeat(width)}    idx`];
  for (const id of [...voters].sort((a, b) => a - b)) {
    const index = indexOf(id);
    const behind = voters.filter((other) => indexOf(other) < index).length;
    const drawn = acknowledged.has(id) ? `${"x".repeat(behind)}>` : "?";
    lines.push(`${drawn.padEnd(width + 1)} ${String(index).padStart(5)}    (id=${id})`);
  }
  return lines;
}
