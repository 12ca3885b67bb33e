import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AtollError } from "../../../shared/errors.js";
import type { SyncRequestSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Attestation } from "../../digest/attestation.js";
import type { Order } from "../../digest/orders.js";
import type { RefusalReason } from "../../digest/outcome.js";
import type { Section } from "../../digest/section.js";

export type SyncRequestInit = MessageInitShape<typeof SyncRequestSchema>;

/** What the shell is to carry out, in order. */
export type MeshOutput =
  /** Open a stream to an address; `request` goes first. */
  | { kind: "dial"; address: string; session: number; request: SyncRequestInit }
  | { kind: "request"; address: string; session: number; request: SyncRequestInit }
  | { kind: "hang-up"; address: string; session: number }
  /** Send a frame, an encoded SyncResponse, on a stream that a peer opened. */
  | { kind: "frame"; stream: number; bytes: Uint8Array }
  | { kind: "end-stream"; stream: number; error: AtollError }
  /** A section of another region moved. */
  | { kind: "moved"; before: Section | undefined; section: Section }
  | { kind: "event"; event: MeshEvent };

/** Why something that came from a peer was not taken. */
export type BadReason = RefusalReason | "malformed" | "unsolicited";

/** What happened, for logs and metrics. */
export type MeshEvent =
  | { kind: "link-up"; region: string; address: string; gateway: string }
  | { kind: "link-down"; region: string; address: string; error: string; wasUp: boolean }
  | { kind: "stream-open"; stream: number; region: string; gateway: string }
  | { kind: "stream-end"; stream: number; region: string; gateway: string }
  /** Something was refused; `quarantined` when the section takes no deltas any more. */
  | {
      kind: "refused";
      reason: BadReason;
      message: string;
      from: string;
      region: string;
      summary: string;
      quarantined: boolean;
    }
  /** Sections were asked for: a delta didn't follow, or a peer has more. */
  | {
      kind: "repair";
      region: string;
      from: string;
      reason: "gap" | "refused" | "differs" | "behind";
    }
  | { kind: "conflict"; region: string; counter: number }
  /** An operator's order that stands from now on. */
  | { kind: "order"; order: Order }
  /** A peer has shown, by the region's own word, how far this gateway's region has been. */
  | { kind: "own-region"; word: Attestation }
  /** The own fold may speak: what peers know of the own region is here, as far as they answer. */
  | { kind: "own-past" };
