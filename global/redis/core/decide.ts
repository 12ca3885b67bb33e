import {
  MIRROR_ABANDON_MS,
  MIRROR_CLAIM_MS,
  MIRROR_DELTA_GROUPS,
  MIRROR_RECHECK_MS,
} from "../../../shared/limits.js";
import type { GroupChanges } from "../../digest/cell.js";
import type { StateReader } from "../../digest/global-state.js";
import type { HashFunction } from "../../digest/hash.js";
import { changesSince } from "./content.js";
import { type Comparison, compareStandings, compareVectors, type Vector } from "./standing.js";
import type { Target } from "./target.js";
import type { Plan, Stored, Unit, WritePlan } from "./unit.js";

/** What a decision is made with, besides the unit and its target. */
export interface DecisionContext {
  readonly nowMs: number;
  /** This writer's name. */
  readonly writer: string;
  /** Pause after which the last writer tells versions and freshness again. */
  readonly refreshMs: number;
  readonly state: StateReader;
  readonly hash: HashFunction;
}

/** Refreshes that a unit's last writer must have missed before another takes its place. */
const MISSED_REFRESHES = 5;

const IDLE: Plan = { kind: "idle" };
const LOOK: Plan = { kind: "look" };
const NO_CHANGES: GroupChanges = new Map();

/**
 * Decides what to do for a unit, and when to look at it again. One gateway's own later
 * states always stand at or past its earlier ones, so the last writer can go on writing;
 * the others look now and then, and take over when it has stopped or is being left behind.
 */
export function decide(unit: Unit, target: Target, context: DecisionContext): Plan {
  const { nowMs, refreshMs, writer } = context;
  const { stored } = unit;
  unit.dueMs = nowMs + refreshMs;
  if (stored === undefined) return LOOK;
  if (stored.vector === undefined) return write(unit, target, stored, context);
  const comparison = compareVectors(target.vector, stored.vector);
  const { ahead, behind, lacking, conflicts } = comparison;
  if (behind.length + lacking.length + conflicts.length > 0) {
    return contest(unit, target, stored, comparison, context);
  }
  const isMine = stored.writer === writer;
  if (ahead.length > 0 && stored.claimant !== "" && stored.claimant !== writer) {
    return contest(unit, target, stored, comparison, context);
  }
  if (ahead.length === 0) {
    unit.notedMs = undefined;
    unit.challenge = undefined;
  }
  const auditMs = MISSED_REFRESHES * refreshMs;
  if (ahead.length === 0 && stored.intact && target.gone !== undefined) {
    unit.dueMs = nowMs + auditMs;
    return IDLE;
  }
  if (!stored.intact || stored.claimant === writer) return write(unit, target, stored, context);
  if (unit.notedMs !== undefined) {
    if (isMine) return write(unit, target, stored, context);
    if (unit.lookedMs <= unit.notedMs) return LOOK;
    const plan = write(unit, target, stored, context);
    // The last writer has written the groups; it tells their newest version soon.
    if (plan.kind === "delta" && plan.changes.size === 0) unit.notedMs = undefined;
    else return plan;
  }
  if (isMine) {
    return nowMs - unit.seqSinceMs >= refreshMs ? write(unit, target, stored, context) : IDLE;
  }
  if (nowMs - unit.lookedMs >= auditMs) return LOOK;
  if (nowMs - unit.seqSinceMs >= auditMs && unit.lookedMs >= nowMs - MIRROR_RECHECK_MS) {
    return write(unit, target, stored, context);
  }
  return IDLE;
}

function write(
  unit: Unit,
  target: Target,
  stored: Stored,
  context: DecisionContext,
  more: Partial<WritePlan> = {},
): WritePlan {
  const base = { from: {}, changes: NO_CHANGES, claim: false, standstill: undefined, ...more };
  if (target.gone !== undefined) return { ...base, kind: "drop" };
  const { vector, lines, intact } = stored;
  if (vector !== undefined && lines === target.lines && intact && !unit.needsWhole) {
    const changes = changesSince(target, vector, context.state, context.hash);
    if (changes !== undefined && changes.size <= MIRROR_DELTA_GROUPS) {
      return { ...base, kind: "delta", from: partsOf(vector, target), changes };
    }
  }
  return { ...base, kind: "whole" };
}

/** The stored standings that a delta of this target leads from. */
function partsOf(vector: Vector, { parts }: Target): Vector {
  return Object.fromEntries(Object.entries(vector).filter(([region]) => parts.has(region)));
}

/**
 * What is stored knows more of some region than this gateway, or is kept for another.
 * Mostly its last writer is about to bring it forward and there is nothing to do. Where it
 * goes on lacking what this gateway has known for a while, others are held back until this
 * one has caught up; where nobody writes any more, since all of them lack a region, that
 * region leaves the merge.
 */
function contest(
  unit: Unit,
  target: Target,
  stored: Stored,
  { ahead, behind, lacking, conflicts }: Comparison,
  context: DecisionContext,
): Plan {
  const { nowMs, writer } = context;
  if (ahead.length === 0 || conflicts.length > 0) {
    unit.challenge = undefined;
    unit.notedMs = undefined;
    return nowMs - unit.lookedMs >= MISSED_REFRESHES * context.refreshMs ? LOOK : IDLE;
  }
  unit.dueMs = nowMs + MIRROR_RECHECK_MS;
  if (nowMs - unit.lookedMs >= MIRROR_RECHECK_MS) return LOOK;
  const { challenge } = unit;
  if (challenge === undefined || isMet(challenge.parts, stored.vector ?? {})) {
    const parts = Object.fromEntries(ahead.map((region) => [region, target.vector[region] ?? ""]));
    unit.challenge = { parts, seq: stored.seq, sinceMs: nowMs, claimedMs: nowMs };
    return IDLE;
  }
  if (behind.length === 0 && lacking.length > 0) {
    const standsStill = challenge.seq === stored.seq;
    if (standsStill && nowMs - challenge.sinceMs >= MIRROR_ABANDON_MS) {
      unit.needsWhole = true;
      return write(unit, target, stored, context, { standstill: stored.seq });
    }
    return IDLE;
  }
  if (stored.claimant !== writer && nowMs - challenge.claimedMs >= MIRROR_CLAIM_MS) {
    challenge.claimedMs = nowMs;
    return write(unit, target, stored, context, { claim: true });
  }
  return IDLE;
}

/** Whether what is stored has come as far as a challenge. */
function isMet(parts: Vector, stored: Vector): boolean {
  return Object.entries(parts).every(([region, standing]) => {
    const theirs = stored[region];
    if (theirs === undefined) return false;
    const order = compareStandings(theirs, standing);
    return order === "conflict" || order >= 0;
  });
}
