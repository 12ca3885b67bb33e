import { create } from "@bufbuild/protobuf";
import {
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  LeaseKeepAliveResponseSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_KEEP_ALIVES_PER_STREAM } from "../../shared/limits.js";
import type { CallContext, Sink } from "../../shared/rpc/context.js";
import type { RegionalNode } from "../node.js";
import type { LeaderWatchdog } from "./leader-watchdog.js";
import type { ResponseHeaders } from "./response-header.js";
import { streamEnd } from "./stream-end.js";

type Answers = Sink<LeaseKeepAliveResponse>;

/**
 * Renewals of one stream. They run at the same time, since each waits for a round of the
 * leader's; answers keep the order of the requests.
 */
class KeepAliveCall {
  readonly #node: RegionalNode;
  readonly #headers: ResponseHeaders;
  readonly #answers: Answers;
  /** Rejects as soon as a renewal fails, although the client may be silent. */
  readonly failed: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  #underWay = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(node: RegionalNode, headers: ResponseHeaders, answers: Answers) {
    this.#node = node;
    this.#headers = headers;
    this.#answers = answers;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
  }

  async #answer(ID: bigint, before: Promise<void>): Promise<void> {
    // The header is made before the renewal, as in etcd: its revision is one that the lease
    // was still alive at.
    const header = this.#headers.message(this.#node.state.currentRevision);
    const renewal = this.#node.leaseKeepAlive(ID);
    try {
      await before;
    } catch (error) {
      renewal.catch(() => {}); // the stream fails with the first error
      throw error;
    }
    const TTL = BigInt(await renewal);
    const isReady = this.#answers.send(create(LeaseKeepAliveResponseSchema, { header, ID, TTL }));
    if (!isReady) await this.#answers.drained();
    this.#underWay -= 1;
  }

  async serve(requests: AsyncIterable<LeaseKeepAliveRequest>): Promise<void> {
    for await (const { ID } of requests) {
      this.#underWay += 1;
      this.#last = this.#answer(ID, this.#last);
      this.#last.catch(this.#fail);
      if (this.#underWay >= MAX_KEEP_ALIVES_PER_STREAM) await this.#last;
    }
    await this.#last;
  }
}

/** The handler of LeaseKeepAlive. An unknown lease is answered with a TTL of 0, not an error. */
export function leaseKeepAlive(
  node: RegionalNode,
  watchdog: LeaderWatchdog,
  headers: ResponseHeaders,
) {
  return async (
    requests: AsyncIterable<LeaseKeepAliveRequest>,
    answers: Answers,
    context: CallContext,
  ): Promise<void> => {
    const end = streamEnd(node, watchdog, context);
    try {
      const call = new KeepAliveCall(node, headers, answers);
      await Promise.race([call.serve(requests), call.failed, end.ended]);
    } finally {
      end.release();
    }
  };
}
