import { Cluster, Redis } from "ioredis";
import { formatHostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { MIRROR_COMMAND_TIMEOUT_MS } from "../../shared/limits.js";
import type { Script } from "./scripts.js";
import type { RedisSettings } from "./settings.js";

/** A command's or a script's argument. */
export type Argument = string | number;

/** After these the server can be used no more as it is: another master, or still loading. */
const USELESS =
  /^(READONLY|LOADING|MASTERDOWN|NOAUTH|UNBLOCKED)|timed out|Connection is closed|isn't writeable/;

function commonOptions({ user, password, tls }: RedisSettings) {
  return {
    connectTimeout: MIRROR_COMMAND_TIMEOUT_MS,
    commandTimeout: MIRROR_COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    connectionName: "atoll-gateway",
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
  };
}

function tlsOptions({ ca }: NonNullable<RedisSettings["tls"]>): { ca?: string } {
  return ca === undefined ? {} : { ca };
}

/** A client that connects once: what comes after a loss is the mirror's affair. */
function makeClient(settings: RedisSettings): Redis | Cluster {
  const { mode, addresses, master, db, sentinelPassword, tls } = settings;
  const common = commonOptions(settings);
  const nodes = addresses.map((address) => ({ ...address }));
  if (mode === "cluster") {
    return new Cluster(nodes, {
      lazyConnect: true,
      clusterRetryStrategy: null,
      enableOfflineQueue: false,
      slotsRefreshTimeout: MIRROR_COMMAND_TIMEOUT_MS,
      redisOptions: common,
    });
  }
  const once = {
    ...common,
    db,
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  };
  if (mode === "single") return new Redis({ ...once, ...nodes[0] });
  return new Redis({
    ...once,
    sentinels: nodes,
    name: master,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: MIRROR_COMMAND_TIMEOUT_MS,
    enableTLSForSentinelMode: tls !== undefined,
    ...(tls === undefined ? {} : { sentinelTLS: tlsOptions(tls) }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
  });
}

/** One life of a connection to Redis, of whichever kind; it never reconnects. */
export class RedisConnection {
  readonly #client: Redis | Cluster;
  readonly #listener: RedisListener;
  #lastError = "";
  #isLost = false;
  #isReady = false;

  private constructor(settings: RedisSettings, listener: RedisListener) {
    this.#listener = listener;
    this.#client = makeClient(settings);
    this.#client.on("error", (error: unknown) => {
      this.#lastError = errorText(error);
    });
    for (const event of ["close", "end"]) this.#client.on(event, () => this.close());
    this.#client.on("+node", () => {
      if (this.#isReady) listener.nodeJoined();
    });
  }

  /** Connects. Throws UNAVAILABLE, naming the address and the reason. */
  static async open(settings: RedisSettings, listener: RedisListener): Promise<RedisConnection> {
    const connection = new RedisConnection(settings, listener);
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const error = new Error(`no answer within ${MIRROR_COMMAND_TIMEOUT_MS} ms`);
      timer = setTimeout(() => reject(error), MIRROR_COMMAND_TIMEOUT_MS);
    });
    try {
      await Promise.race([connection.#client.connect(), tooLong]);
    } catch (error) {
      connection.close();
      const reason = connection.#lastError || errorText(error);
      const message = `can't connect to ${addressText(settings)}: ${reason}`;
      throw new AtollError("UNAVAILABLE", message, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    connection.#isReady = true;
    return connection;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** One command. Rejects with what Redis says, or when it takes too long. */
  async call(command: string, ...args: Argument[]): Promise<unknown> {
    try {
      return await this.#client.call(command, ...args);
    } catch (error) {
      this.#judge(error);
      throw error;
    }
  }

  /** One script, by its digest; its source is sent to a server that doesn't have it. */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.call("EVALSHA", script.sha, script.keys, ...keys, ...args);
    } catch (error) {
      if (!errorText(error).startsWith("NOSCRIPT")) throw error;
      return await this.call("EVAL", script.source, script.keys, ...keys, ...args);
    }
  }

  /** Ends it. What is under way fails. Safe to call again. */
  close(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#client.disconnect();
    this.#listener.lost(this.#lastError);
  }

  /** A cluster's client finds its way to other nodes by itself; the others are of no use any more. */
  #judge(error: unknown): void {
    if (this.#client instanceof Cluster || !USELESS.test(errorText(error))) return;
    this.#lastError ||= errorText(error);
    this.close();
  }
}

/** What a connection tells besides answers. */
export interface RedisListener {
  /** The connection is over; the reason is empty where none is known. */
  lost(reason: string): void;
  /** A node has come into the cluster, or has come back: it may have no data. */
  nodeJoined(): void;
}

/** Where Redis is, for people. */
export function addressText({ mode, addresses, master }: RedisSettings): string {
  const list = addresses.map(formatHostPort).join(",");
  if (mode === "single") return `Redis at ${list}`;
  return mode === "cluster" ? `Redis Cluster at ${list}` : `Redis "${master}" of sentinels ${list}`;
}
