/** Whose data a directory holds; both ids are safe integers. */
export interface Identity {
  readonly clusterId: bigint;
  readonly memberId: number;
}

/**
 * A member's data directory: locked for this process, and known to be of this format
 * and of this member.
 *
 * | file | what |
 * |---|---|
 * | `VERSION` | JSON: format number, cluster id, member id |
 * | `lock.db` | held with an exclusive lock while a process uses the directory |
 * | `log.db` | the durable log (regional/log) |
 * | `state.db` | the state database (regional/backend) |
 * | `incoming.db`, `INSTALL` | a received snapshot, and the decision to install it |
 */
export interface DataDirectory {
  readonly path: string;
  readonly identity: Identity;
}
