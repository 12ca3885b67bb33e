import type { ConfState } from "../raft/types.js";
import { HashChain } from "./chain.js";
import { Compactor } from "./compactor.js";
import { LeaseTable } from "./lease-table.js";
import { LeaseWrites } from "./lease-writes.js";
import { Membership } from "./membership.js";
import { Mvcc } from "./mvcc.js";

/** What a region's state consists of. */
export interface StateParts {
  readonly mvcc: Mvcc;
  readonly leases: LeaseWrites;
  readonly membership: Membership;
  readonly compactor: Compactor;
  /** What all entries through `index` did. */
  readonly chain: HashChain;
  /** Position in the log of the last applied entry. */
  index: number;
  term: number;
}

/** The parts of an empty state at position (0, 0); `chain` is the value to go on from. */
export function emptyParts(confState: ConfState, chain?: string): StateParts {
  const mvcc = new Mvcc(new LeaseTable());
  return {
    mvcc,
    leases: new LeaseWrites(mvcc),
    membership: new Membership(confState),
    compactor: new Compactor(mvcc),
    chain: new HashChain(chain),
    index: 0,
    term: 0,
  };
}
