import { type Link, leadsTo } from "./link.js";
import type { Now } from "./now.js";

/** A way by a third region must be faster by this much, and this share, to be taken. */
const GAIN_MS = 10;
const GAIN_SHARE = 0.1;
/** One that is taken is kept while it is faster by this part of that. */
const KEPT = 0.5;

/**
 * The stream by which a region's news come faster than straight from it, since round trips
 * in the world don't keep the triangle's rule: what this gateway measures to the peer, and
 * the peer to the region. Only ways whose sum is less than the straight one count, so two
 * regions can't choose each other. Undefined when there is none.
 */
export function shortcut(
  region: string,
  home: string,
  direct: Link,
  links: Iterable<Link>,
  current: string | undefined,
  now: Now,
): Link | undefined {
  const directMs = direct.rttMs;
  if (directMs === undefined) return undefined;
  const gainMs = Math.max(GAIN_MS, GAIN_SHARE * directMs);
  let best: Link | undefined;
  let bestMs = Number.POSITIVE_INFINITY;
  for (const link of links) {
    if (link.region === region || link.region === home) continue;
    const wayMs = roundTripBy(link, region);
    if (wayMs === undefined || !link.isHealthy(now)) continue;
    if (leadsTo(home, link, link.standings.get(region)?.path ?? [])) continue;
    const isCurrent = link.address === current;
    if (directMs - wayMs < (isCurrent ? KEPT : 1) * gainMs) continue;
    const ms = wayMs - (isCurrent ? KEPT * gainMs : 0);
    if (ms >= bestMs) continue;
    best = link;
    bestMs = ms;
  }
  return best;
}

/** Round trip to a region by way of a peer that has it from somewhere. */
function roundTripBy(link: Link, region: string): number | undefined {
  const standing = link.standings.get(region);
  if (link.rttMs === undefined || standing?.rttMs === undefined) return undefined;
  return standing.path.length === 0 ? undefined : link.rttMs + standing.rttMs;
}
