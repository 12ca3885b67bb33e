import { Link } from "../../../../global/mesh/core/link.js";

export const START = { monotonicMs: 0, ageMs: 0 };
const incarnation = { counter: 1, nonce: "00".repeat(16), baseRevision: 0, parentNonce: "" };

/** A stream from a region's gateway that is up since START, with a measured round trip. */
export function linkTo(region: string, rttMs: number | undefined): Link {
  const link = new Link(region, `${region}:1`);
  link.dial(1, START);
  const hello = { region, gateway: "g0", protocol: 1, foldSemantics: 1, incarnation };
  link.opened(hello, START);
  link.rttMs = rttMs;
  return link;
}

/** A peer says that it has the region `away` by a way, as of when, and how far that is from it. */
export function says(
  link: Link,
  rttMs: number | undefined,
  path: readonly string[],
  asOfMs: number | "unknown" = 0,
): void {
  const told = { region: "away", incarnation, revision: 5, sections: 1, ageMs: 1 };
  link.told({ ...told, asOfMs: asOfMs === "unknown" ? undefined : asOfMs, path, rttMs });
}
