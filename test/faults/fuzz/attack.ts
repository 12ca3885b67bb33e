import type { Trust } from "../../../global/digest/trust.js";
import type { Random } from "../../../shared/random.js";
import type { Origin } from "./origin.js";
import type { Tamper } from "./peer.js";

/** What an attack is made of. */
export interface Arms {
  readonly random: Random;
  /** The region whose gateway attacks, with all that it knows. */
  readonly west: Origin;
  /** A region that is honest; its keys are not the attacker's. */
  readonly north: Origin;
  /** The keys of regions, some of which the attacker should not have. */
  readonly keysOf: (region: string) => Trust;
  /** Regions that the gateway has asked west for. */
  readonly asked: ReadonlySet<string>;
  /** host:port of the gateway that is attacked. */
  readonly target: string;
}

/** One hostile act, decided by a seed. */
export interface Attack {
  /** What it does, for people. */
  readonly what: string;
  /** SyncResponses that are said on the streams that are open, deflated as frames are. */
  readonly frames?: readonly Uint8Array[];
  /** Messages that are sent as they are. */
  readonly raw?: readonly Uint8Array[];
  /** What is done to honest frames, while the region writes and after its gateway was dialled again. */
  readonly tamper?: Tamper;
  /** The stream is ended first, so that the first words are tampered with, too. */
  readonly redials?: boolean;
  /** Something else that is done to the gateway; `say` says more on the streams. */
  readonly act?: (say: (...frames: readonly Uint8Array[]) => Promise<void>) => Promise<void>;
  /** What must be seen of it; nothing where it may as well be harmless. */
  readonly shows?: "refusal" | "quarantine" | "ended stream" | "throttling";
}

/** A kind of hostile acts. */
export type AttackClass = (arms: Arms) => Attack;
