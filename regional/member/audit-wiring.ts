import type { Logger } from "../../shared/log.js";
import { Auditor } from "../audit/auditor.js";
import { divergedError } from "../audit/diverged.js";
import type { MemberStorage } from "../backend/storage.js";
import type { PeerTransport } from "../peer/transport.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import type { Applier } from "./applier.js";
import type { Connections } from "./connections.js";
import type { RaftDriver } from "./driver.js";

/** The parts of a member that its audit looks at; read when used, so they may be made later. */
export interface AuditedParts {
  readonly self: number;
  readonly storage: MemberStorage;
  readonly driver: RaftDriver;
  readonly applier: Applier;
  readonly connections: Connections;
  readonly transport: PeerTransport;
  wake(): void;
  fail(error: unknown): void;
}

/**
 * The auditor of a member. When a majority contradicts this member's state, nothing of it may
 * be served or voted for any more: the driver stops at once, the data directory is condemned,
 * and the member fails.
 * @param applied index through which the state is applied
 */
export function makeAuditor(parts: AuditedParts, applied: number, log: Logger): Auditor {
  const { self, storage } = parts;
  return new Auditor(
    {
      self,
      state: () => parts.applier.state,
      leads: () => parts.driver.lead === self,
      lastIndex: () => storage.log.lastIndex(),
      broadcast: (frame) => {
        parts.connections.broadcast(frame);
        parts.wake();
      },
      onOutlier: (verdict) => {
        const error = divergedError(verdict, self, storage.path);
        storage.condemn(error.message);
        // What proves it to the others goes out first: no turn will follow.
        parts.transport.flush();
        parts.driver.stop(etcdError(ETCD_ERRORS.corrupt));
        parts.fail(error);
      },
      log,
    },
    applied,
  );
}
