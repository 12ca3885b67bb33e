import type { HostPort } from "../../shared/address.js";
import type { Clock } from "../../shared/clock.js";
import type { Logger } from "../../shared/log.js";
import type { MemberStorage } from "../backend/storage.js";
import type { RegionState } from "../store/state.js";
import type { ClusterIdentity } from "./identity.js";
import type { MemberTuning } from "./tuning.js";

/** What an engine runs on. */
export interface EngineOptions {
  readonly identity: ClusterIdentity;
  /** Where other members reach this one, if it is to say so itself. */
  readonly advertisePeer: HostPort | undefined;
  readonly storage: MemberStorage;
  readonly state: RegionState;
  readonly clock: Clock;
  readonly tuning: MemberTuning;
  readonly logger: Logger;
  /** Called about once a second, and when another leader is known. */
  readonly onChore: () => void;
  /** This member is no part of the group any more. May be called again. */
  readonly onRemoved: () => void;
  /** The engine can't go on. Called once at most. */
  readonly onFatal: (error: unknown) => void;
}
