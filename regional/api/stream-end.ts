import type { CallContext } from "../../shared/rpc/context.js";
import type { RegionalNode } from "../node.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import type { LeaderWatchdog } from "./leader-watchdog.js";
import { admit, wantsLeader } from "./proposing.js";

/** What ends a stream besides its own course. */
export interface StreamEnd {
  /**
   * Resolves when the caller has gone; rejects with "etcdserver: server stopped" or
   * "etcdserver: no leader", the latter for callers that want one.
   */
  readonly ended: Promise<void>;
  /** Frees what it holds; call it when the stream is over. */
  release(): void;
}

/** Watches over one stream. Throws at once when the caller wants a leader and there is none. */
export function streamEnd(
  node: RegionalNode,
  watchdog: LeaderWatchdog,
  context: CallContext,
): StreamEnd {
  admit(node, context);
  let release = (): void => {};
  const ended = new Promise<void>((resolve, reject) => {
    const gone = (): void => resolve();
    const stopped = (): void => reject(etcdError(ETCD_ERRORS.stopped));
    const unwatch = wantsLeader(context) ? watchdog.watch(reject) : undefined;
    if (context.signal.aborted) gone();
    else context.signal.addEventListener("abort", gone, { once: true });
    if (node.stopping.aborted) stopped();
    else node.stopping.addEventListener("abort", stopped, { once: true });
    release = () => {
      context.signal.removeEventListener("abort", gone);
      node.stopping.removeEventListener("abort", stopped);
      unwatch?.();
    };
  });
  ended.catch(() => {}); // it may reject when nobody waits for it any more
  return { ended, release: () => release() };
}
