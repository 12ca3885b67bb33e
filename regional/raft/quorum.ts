/**
 * Majorities, and pairs of them for joint consensus (dissertation §4.3): a joint decision
 * needs both. Source of the conventions for empty sets: etcd-io/raft `quorum/`.
 */
import { NO_LIMIT } from "./size.js";

/** Where an election stands. */
export type VoteResult = "pending" | "lost" | "won";

/** What each node has acknowledged: an index, 0 for nothing or an unknown node. */
export interface AckLookup {
  ackedIndex(id: number): number;
}

/**
 * The largest index that a majority of `voters` has acknowledged. With no voters it is
 * NO_LIMIT, so that an empty half of a joint configuration decides nothing.
 */
export function majorityIndex(voters: readonly number[], acks: AckLookup): number {
  const n = voters.length;
  if (n === 0) return NO_LIMIT;
  const sorted: number[] = [];
  for (const id of voters) {
    const index = acks.ackedIndex(id);
    // Insertion in descending order: groups have a handful of members.
    let at = sorted.length;
    sorted.push(index);
    while (at > 0 && (sorted[at - 1] as number) < index) {
      sorted[at] = sorted[at - 1] as number;
      at--;
    }
    sorted[at] = index;
  }
  return sorted[n >> 1] as number;
}

/** The largest index acknowledged by a majority of both sets. */
export function jointIndex(
  incoming: readonly number[],
  outgoing: readonly number[],
  acks: AckLookup,
): number {
  const index = majorityIndex(incoming, acks);
  return outgoing.length === 0 ? index : Math.min(index, majorityIndex(outgoing, acks));
}

/** The result of an election among `voters`; absent from `votes` means not heard from yet. */
export function majorityVote(
  voters: readonly number[],
  votes: ReadonlyMap<number, boolean>,
): VoteResult {
  if (voters.length === 0) return "won";
  const quorum = (voters.length >> 1) + 1;
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  if (granted >= quorum) return "won";
  return granted + missing >= quorum ? "pending" : "lost";
}

/** The result of an election that needs a majority of both sets. */
export function jointVote(
  incoming: readonly number[],
  outgoing: readonly number[],
  votes: ReadonlyMap<number, boolean>,
): VoteResult {
  const one = majorityVote(incoming, votes);
  const other = majorityVote(outgoing, votes);
  if (one === other) return one;
  return one === "lost" || other === "lost" ? "lost" : "pending";
}
