/**
 * The arithmetic of leader leases (dissertation §6.4.1), used with readOnly `leaseBased`.
 *
 * A node that heard from the leader refuses its vote (check-quorum) until electionTicks of
 * its own ticks have passed, hence for more than electionTicks − 1 periods. So once a quorum
 * has answered a round of heartbeats, nobody else can have been elected before that long
 * after the round began. The leader counts fewer of its own ticks, so that it stays on the
 * safe side under these bounds, which are the driver's to keep:
 *
 * - no member's clock runs faster than another's by more than one part in eight;
 * - the leader's clock goes on while its process or machine stands still, and its driver tells
 *   the node of that time, by tick() or elapse(), before it asks it for a read.
 *
 * What breaks leases otherwise is excluded, on all nodes with `honourLeases`: a transfer of
 * leadership (votes are then given regardless) ends them for the rest of the term, a restarted
 * node, which has forgotten whom it heard from, gives no vote for electionTicks, and campaign()
 * and forgetLeader() do nothing while the leader is alive.
 */
export function leaseTicks(electionTicks: number): number {
  return Math.max(0, Math.floor(((electionTicks - 1) * 7) / 8));
}
