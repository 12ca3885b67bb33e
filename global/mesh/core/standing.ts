import type { Incarnation } from "../../digest/version.js";

/** What a gateway says it has of one region, and how old that is. */
export interface Standing {
  readonly region: string;
  readonly incarnation: Incarnation;
  /** It holds all live sections of the region at this revision or past it. */
  readonly revision: number;
  /** How many live sections those are. */
  readonly sections: number;
  /** All that the region had acknowledged `ageMs` ago is in them; undefined when unknown. */
  readonly ageMs: number | undefined;
  /** Regions from the gateway's own to the origin; empty while nothing comes. */
  readonly path: readonly string[];
  /** Round trip to the region's nearest gateway, in ms; undefined when not measured. */
  readonly rttMs: number | undefined;
}

/** A peer's standing with its age turned into an instant of this gateway's own clock. */
export interface PeerStanding extends Standing {
  /** On the age clock; undefined when the peer doesn't know, or wasn't pinged yet. */
  readonly asOfMs: number | undefined;
}
