import type { GroupChanges } from "../../digest/cell.js";
import type { UnitId } from "./keys.js";
import { retryPauseMs } from "./retry.js";
import type { Vector } from "./standing.js";

/** What Redis was last seen to hold of a unit. */
export interface Stored {
  /** Undefined when there is nothing. */
  readonly vector: Vector | undefined;
  readonly lines: string;
  /** Rises by one with each write. */
  readonly seq: number;
  /** Who wrote last. */
  readonly writer: string;
  /** Whose writes alone are taken until it has written; empty for everybody's. */
  readonly claimant: string;
  /** Whether there are as many groups as were written. */
  readonly intact: boolean;
}

/** What a script has answered: how the write fared, and what is stored now. */
export interface Reply {
  readonly outcome: Outcome;
  readonly stored: Stored;
}

/**
 * How a write fared. `known`: equal already. `behind`: what is stored knows more of some
 * region. `gap`: the delta doesn't lead from what is stored. `torn`: staged groups are
 * missing. `claimed`: another writer is waited for. `looked`: nothing was to be written.
 */
export const OUTCOMES = ["written", "known", "behind", "gap", "torn", "claimed", "looked"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Regions of which a gateway knew more than what was stored, from a moment on. */
export interface Challenge {
  readonly parts: Vector;
  readonly seq: number;
  readonly sinceMs: number;
  claimedMs: number;
}

/** What a gateway remembers of one unit. Bounded: nothing of its content. */
export interface Unit {
  readonly id: UnitId;
  readonly name: string;
  /** Undefined until it was looked at. */
  stored: Stored | undefined;
  lookedMs: number;
  /** Since when the stored `seq` stands. */
  seqSinceMs: number;
  /** When the unit is to be stepped. */
  dueMs: number;
  /** Since when its groups differ from what is stored, as far as this gateway knows. */
  notedMs: number | undefined;
  /** The same of what the write holds that is under way. */
  sentNoteMs: number | undefined;
  /** Deltas have failed: the next write is whole. */
  needsWhole: boolean;
  challenge: Challenge | undefined;
  /** Whether the index of units says that it has groups; undefined when not known. */
  listed: boolean | undefined;
  /** Steps that have failed since one succeeded. */
  failures: number;
  /** A step is being carried out. */
  busy: boolean;
}

/** What is to be done for a unit. */
export type Plan = { readonly kind: "idle" } | { readonly kind: "look" } | WritePlan;

/** A write that the fence may refuse. */
export interface WritePlan {
  readonly kind: "delta" | "whole" | "drop";
  /** Where a delta leads from; empty otherwise. */
  readonly from: Vector;
  /** What differs since `from`; empty otherwise. */
  readonly changes: GroupChanges;
  /** If this is refused as behind, hold all others back until this gateway has caught up. */
  readonly claim: boolean;
  /** The `seq` at which writes stand still for want of regions that nobody knows any more. */
  readonly standstill: number | undefined;
}

export function newUnit(id: UnitId, name: string, nowMs: number): Unit {
  return {
    id,
    name,
    stored: undefined,
    lookedMs: Number.NEGATIVE_INFINITY,
    seqSinceMs: nowMs,
    dueMs: nowMs,
    notedMs: undefined,
    sentNoteMs: undefined,
    needsWhole: false,
    challenge: undefined,
    listed: undefined,
    failures: 0,
    busy: false,
  };
}

/** A write is on its way: what moves from now on isn't in it. */
export function beginWrite(unit: Unit): void {
  unit.sentNoteMs = unit.notedMs;
  unit.notedMs = undefined;
}

/** Takes what a script has answered. */
export function takeReply(unit: Unit, { outcome, stored }: Reply, nowMs: number): void {
  if (unit.stored?.seq !== stored.seq) unit.seqSinceMs = nowMs;
  unit.stored = stored;
  unit.failures = 0;
  unit.lookedMs = nowMs;
  unit.dueMs = nowMs;
  if (outcome === "written" || outcome === "known") {
    unit.sentNoteMs = undefined;
    unit.challenge = undefined;
  } else {
    takeBack(unit);
  }
  if (outcome !== "looked") unit.needsWhole = outcome === "gap" || outcome === "torn";
}

/**
 * A step has failed: whether it came to anything isn't known, so it is looked at again,
 * after a pause. `share`, from 0 to 1, is the pause's part that is random.
 */
export function takeFailure(unit: Unit, nowMs: number, share: number): void {
  unit.stored = undefined;
  unit.failures++;
  unit.dueMs = nowMs + retryPauseMs(unit.failures, share);
  takeBack(unit);
}

function takeBack(unit: Unit): void {
  unit.notedMs = unit.sentNoteMs ?? unit.notedMs;
  unit.sentNoteMs = undefined;
}
