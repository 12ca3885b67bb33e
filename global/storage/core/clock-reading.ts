/** One instant on the clocks of a machine, in milliseconds. */
export interface ClockReading {
  /** Names one run of the machine's kernel; empty where there is no such name. */
  readonly bootId: string;
  /** Since the machine started, its sleep included. */
  readonly bootMs: number;
  /** Of the monotonic clock, its sleep left out. */
  readonly monotonicMs: number;
  /** Since 1970 UTC. */
  readonly wallMs: number;
}

/** How old something was at most at an instant. */
export interface AgeMark {
  readonly reading: ClockReading;
  readonly ageMs: number;
}

/** The coarsest of the clocks, /proc/uptime, counts in these. */
const QUANTUM_MS = 10;

/**
 * Milliseconds from one instant to a later one, never fewer than there were by any of the
 * clocks; undefined when they can't tell, because the machine was started anew, or is
 * another one, in between. One clock alone isn't enough: containers may be shown an uptime
 * of their own, the monotonic clock stands still in sleep, and the wall clock can be set.
 */
export function elapsedMs(then: ClockReading, now: ClockReading): number | undefined {
  if (then.bootId === "" || then.bootId !== now.bootId) return undefined;
  const sinceBoot = now.bootMs - then.bootMs;
  const monotonic = now.monotonicMs - then.monotonicMs;
  // A clock that went back isn't the one that was read then. NaN is none either.
  if (!(sinceBoot >= -QUANTUM_MS && monotonic >= 0)) return undefined;
  const wall = now.wallMs - then.wallMs;
  return Math.max(sinceBoot, monotonic, Number.isNaN(wall) ? 0 : wall) + QUANTUM_MS;
}

/**
 * The as-of instant of what was marked, on an age clock that shows `ageNowMs` at `now`;
 * undefined when its age can't be told any more.
 */
export function asOfFromMark(
  mark: AgeMark,
  now: ClockReading,
  ageNowMs: number,
): number | undefined {
  const elapsed = elapsedMs(mark.reading, now);
  if (elapsed === undefined || !(mark.ageMs >= 0)) return undefined;
  return ageNowMs - elapsed - mark.ageMs;
}
