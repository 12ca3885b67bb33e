import { formatHostPort } from "../../shared/address.js";
import { errorText } from "../../shared/errors.js";
import type { HttpSide } from "../../shared/http-side.js";
import { ELECTION_TICKS, TICK_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import { createRegistry } from "../../shared/metrics.js";
import { RpcServer } from "../../shared/rpc/server.js";
import { registerEtcdServices } from "../api/register.js";
import { Member, type MemberOptions } from "../member.js";
import { memberHttp } from "./http.js";
import { identify } from "./identify.js";
import { MemberMetrics } from "./metrics.js";
import type { RegionalOptions } from "./options.js";

/** Pause between two attempts to see whether the member can serve. */
const READY_RETRY_MS = 50;

/** What ends a member besides signals; see MemberOptions. */
export type ServerEnds = Pick<MemberOptions, "onFatal" | "onRemoved">;

/** A member with its API and its HTTP side: all that the program `regional` runs. */
export class RegionalServer {
  readonly member: Member;
  readonly #rpc: RpcServer;
  readonly #http: HttpSide;
  readonly #logger: Logger;
  #stop: Promise<void> | undefined;

  private constructor(member: Member, rpc: RpcServer, http: HttpSide, logger: Logger) {
    this.member = member;
    this.#rpc = rpc;
    this.#http = http;
    this.#logger = logger;
  }

  /**
   * Starts everything. Resolves when all ports are open; `ready` is logged once the group
   * serves. Rejects with an AtollError naming what is wrong; nothing is left open then.
   */
  static async start(
    options: RegionalOptions,
    logger: Logger,
    ends: ServerEnds,
  ): Promise<RegionalServer> {
    const { dataDir, client, peer, advertisePeer } = options;
    const registry = createRegistry({ region: options.region, member: options.name });
    const identity = await identify(options);
    const metrics = new MemberMetrics(registry);
    const member = await Member.start({
      identity,
      dataDir,
      peer,
      advertisePeer,
      client: options.advertiseClient ?? client,
      tuning: options.tuning,
      logger,
      metrics,
      ...ends,
    });
    const rpc = new RpcServer({
      observe: metrics.observeCall,
      report: (path, error) => logger.error({ path, err: error.cause ?? error }, "a call failed"),
    });
    registerEtcdServices(rpc, member, { electionTimeoutMs: ELECTION_TICKS * TICK_MS });
    const http = memberHttp({
      stopping: member.stopping,
      linearizable: () => member.linearizable(),
      metrics: () => metrics.render(member.stats()),
      get hasLeader() {
        return member.hasLeader;
      },
    });
    const server = new RegionalServer(member, rpc, http, logger);
    try {
      const clientPort = await rpc.listen(formatHostPort(client));
      const httpPort = await http.listen(formatHostPort(options.http));
      logger.info(
        {
          client: formatHostPort({ ...client, port: clientPort }),
          http: formatHostPort({ ...options.http, port: httpPort }),
          peer: formatHostPort(peer),
          clusterId: identity.clusterId.toString(16),
          memberId: identity.self.id.toString(16),
        },
        "listening",
      );
    } catch (error) {
      await server.stop();
      throw error;
    }
    void server.#announce();
    return server;
  }

  /** Logs `ready` when the first linearizable read has worked. */
  async #announce(): Promise<void> {
    const { stopping } = this.member;
    while (!stopping.aborted) {
      try {
        await this.member.linearizable();
        const { leader, raftTerm } = this.member.status();
        this.#logger.info({ leader: leader.toString(16), term: raftTerm }, "ready");
        return;
      } catch (error) {
        this.#logger.debug({ reason: errorText(error) }, "not ready yet");
        await new Promise((resolve) => setTimeout(resolve, READY_RETRY_MS));
      }
    }
  }

  /** Ends streams, lets calls finish, then stops the member. Safe to call again. */
  stop(): Promise<void> {
    this.#stop ??= this.#shutDown();
    return this.#stop;
  }

  async #shutDown(): Promise<void> {
    this.member.beginStop();
    await this.#rpc.stop();
    await this.member.stop();
    await this.#http.close();
    this.#logger.info("stopped");
  }
}
