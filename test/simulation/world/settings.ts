import type { ClientSettings } from "./clients.js";
import type { NodeSettings } from "./member.js";
import type { NetworkSettings } from "./network.js";

/** What can be done to a world. */
export const FAULTS = [
  "crash",
  "crash-leader",
  "power-cut",
  "pause",
  "pause-leader",
  "isolate",
  "isolate-leader",
  "split",
  "one-way",
  "cut-link",
  "disk-stall",
  "disk-write-error",
  "disk-read-error",
  "disk-full",
  "clock-rate",
  "clock-jump",
  "bit-flip",
] as const;
export type Fault = (typeof FAULTS)[number];

/** What an operator asks for, at a bad moment if it so happens. */
export const REQUESTS = [
  "transfer",
  "campaign",
  "forget-leader",
  "false-news",
  "membership",
] as const;
export type OperatorRequest = (typeof REQUESTS)[number];

/** Everything that makes one world different from another. */
export interface WorldSettings {
  /** The kind of world; see profiles.ts. */
  readonly profile: string;
  readonly members: number;
  /** How many of them vote from the start; the others may be added. */
  readonly firstVoters: number;
  readonly node: NodeSettings;
  /** Of each member: who is to lead where it can be had. */
  readonly priorities: readonly number[];
  /** Members may learn at once that a process has ended. */
  readonly newsOfEnds: boolean;
  /** Virtual time between two ticks of each member, at first. */
  readonly tickPeriods: readonly number[];
  readonly network: NetworkSettings;
  readonly maxSyncTime: number;
  readonly maxApplyTime: number;
  /** Entries that members keep behind their checkpoints. */
  readonly logMargin: number;
  /** Most time between checkpoints. */
  readonly checkpointPeriod: number;
  readonly clients: ClientSettings;
  /** Kinds of faults; one that is there twice comes twice as often. */
  readonly faults: readonly Fault[];
  /** Mean time between faults. */
  readonly faultPeriod: number;
  /** Kinds of requests that an operator makes. */
  readonly requests: readonly OperatorRequest[];
  readonly requestPeriod: number;
  /** Most that a crashed member stays down. */
  readonly maxDownTime: number;
  readonly maxPause: number;
  /** Members compare their states all the time. */
  readonly audits: boolean;
  /** Chance that a new leader crashes or is cut off soon, perhaps before it replicates anything. */
  readonly leaderFrailty: number;
  /** Least time for which there are faults. */
  readonly duration: number;
}

/** Each world has at least so many client operations and faults. */
export const LEAST_OPERATIONS = 200;
export const LEAST_FAULTS = 20;

export const MAX_ELECTION_TICKS = 10;
/** Virtual time between two ticks of a member whose clock is right. */
export const MEAN_TICK = 16;

/**
 * Virtual time in which a world without faults must have recovered: a hundred election
 * timeouts of the slowest member, most of it for catching up over slow disks.
 */
export const RECOVERY_BOUND = 100 * MAX_ELECTION_TICKS * (MEAN_TICK + 3);

/**
 * Virtual time for which a world may take to have its operations and faults; a world that
 * serves nobody for so long has a mistake of its own.
 */
export const DURATION_BOUND = 100_000;
