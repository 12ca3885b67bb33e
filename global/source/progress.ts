/**
 * First fixed patch release of each minor one of etcd 3, from the reports #15220 and
 * #15237: before it, the answer to a progress request could overtake events, and so
 * claim a revision whose events were still to come.
 */
const FIXED_PATCH: Readonly<Record<number, number>> = { 4: 25, 5: 8 };
const FIXED_MINOR = 6;

/**
 * Whether a server of a version, as Maintenance.Status tells it, answers a progress
 * request only when all earlier events are on the stream. Notices that a watcher gets
 * by itself stand in line with its events in every version.
 */
export function trustsProgressRequests(version: string): boolean {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number];
  if (major !== 3 || minor >= FIXED_MINOR) return major >= 3;
  return patch >= (FIXED_PATCH[minor] ?? Number.POSITIVE_INFINITY);
}
