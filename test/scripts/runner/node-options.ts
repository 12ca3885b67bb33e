import { AtollError } from "../../../shared/errors.js";
import type { Arguments } from "./arguments.js";
import type { NodeSettings } from "./script-node.js";
import { ScriptStorage } from "./script-storage.js";

/** As etcd-io/raft's `rafttest` has it. */
const ELECTION_TICKS = 3;
const HEARTBEAT_TICKS = 1;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;
const MAX_INFLIGHT_MESSAGES = 2 ** 31 - 1;

/** The options of `add-nodes`. Those in the second half are not in etcd-io/raft's scripts. */
export const NODE_OPTIONS = [
  "voters",
  "learners",
  "index",
  "content",
  "async-storage-writes",
  "read-only",
  "prevote",
  "checkquorum",
  "inflight",
  "max-committed-size-per-ready",
  "disable-conf-change-validation",
  "step-down-on-removal",
  "max-size-per-msg",
  "max-inflight-bytes",
  "max-uncommitted-size",
  "disable-proposal-forwarding",
  "honour-leases",
  "priority",
] as const;

type NodeOption = (typeof NODE_OPTIONS)[number];

function readOnlyOf(args: Arguments): "safe" | "leaseBased" | undefined {
  const name = args.value("read-only" satisfies NodeOption);
  if (name === undefined) return undefined;
  if (name === "safe") return "safe";
  if (name === "lease-based") return "leaseBased";
  throw args.fail(`read-only is "${name}"; it must be safe or lease-based`);
}

/** Leaves out what is undefined, so that the core's own defaults hold. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The configuration that an `add-nodes` describes. Election timeouts are never random. */
export function nodeSettings(args: Arguments): NodeSettings {
  const number = (name: NodeOption): number | undefined => args.number(name);
  const flag = (name: NodeOption): boolean | undefined => args.boolean(name);
  return {
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: HEARTBEAT_TICKS,
    maxSizePerMessage: number("max-size-per-msg") ?? NO_LIMIT,
    maxInflightMessages: number("inflight") ?? MAX_INFLIGHT_MESSAGES,
    random: (n) => n - 1,
    ...given({
      asyncStorageWrites: flag("async-storage-writes"),
      preVote: flag("prevote"),
      checkQuorum: flag("checkquorum"),
      readOnly: readOnlyOf(args),
      honourLeases: flag("honour-leases"),
      priority: number("priority"),
      maxCommittedSizePerReady: number("max-committed-size-per-ready"),
      maxInflightBytes: number("max-inflight-bytes"),
      maxUncommittedSize: number("max-uncommitted-size"),
      disableProposalForwarding: flag("disable-proposal-forwarding"),
      disableConfChangeValidation: flag("disable-conf-change-validation"),
      stepDownOnRemoval: flag("step-down-on-removal"),
    }),
  };
}

/** The storage that an `add-nodes` describes: a snapshot of term 1, or nothing at all. */
export function nodeStorage(args: Arguments): ScriptStorage {
  const voters = args.numberList("voters" satisfies NodeOption);
  const learners = args.numberList("learners" satisfies NodeOption);
  const index = args.number("index" satisfies NodeOption) ?? 0;
  const data = new TextEncoder().encode(args.value("content" satisfies NodeOption) ?? "");
  const empty = voters.length + learners.length + index + data.length === 0;
  if (!empty && index <= 1) {
    throw new AtollError("FAILED_PRECONDITION", "index must be specified as > 1 due to bootstrap");
  }
  return new ScriptStorage({
    data,
    metadata: {
      index,
      term: empty ? 0 : 1,
      confState: { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false },
    },
  });
}
