import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { formatHostPort, type HostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { HEALTH_CHECK_TIMEOUT_MS } from "../../shared/limits.js";

/** What the HTTP side asks of its member. */
export interface HttpSource {
  readonly hasLeader: boolean;
  readonly stopping: AbortSignal;
  linearizable(): Promise<void>;
  /** Metrics in Prometheus's text format. */
  metrics(): Promise<string>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
const METRICS = "text/plain; version=0.0.4; charset=utf-8";

/** Why the member can't serve now, or undefined when a linearizable read works. */
async function trouble(source: HttpSource): Promise<string | undefined> {
  if (source.stopping.aborted) return "STOPPING";
  if (!source.hasLeader) return "RAFT NO LEADER";
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("QGET TIMEOUT"), HEALTH_CHECK_TIMEOUT_MS);
  });
  const read = source.linearizable().then(
    () => undefined,
    (error: unknown) => `QGET ERROR:${errorText(error)}`,
  );
  const reason = await Promise.race([late, read]);
  clearTimeout(timer);
  return reason;
}

/** The answer to a path; the forms are etcd's (`server/etcdserver/api/etcdhttp/health.go`). */
async function answer(source: HttpSource, url: URL): Promise<Answer> {
  switch (url.pathname) {
    case "/livez":
      return { status: 200, type: TEXT, body: "ok\n" };
    case "/readyz": {
      const reason = await trouble(source);
      return reason === undefined
        ? { status: 200, type: TEXT, body: "ok\n" }
        : { status: 503, type: TEXT, body: `${reason}\n` };
    }
    case "/health": {
      const serializable = url.searchParams.get("serializable") === "true";
      const reason = serializable ? undefined : await trouble(source);
      return {
        status: reason === undefined ? 200 : 503,
        type: JSON_TYPE,
        body: JSON.stringify({ health: String(reason === undefined), reason: reason ?? "" }),
      };
    }
    case "/metrics":
      return { status: 200, type: METRICS, body: await source.metrics() };
    default:
      return { status: 404, type: TEXT, body: "try /health, /livez, /readyz or /metrics\n" };
  }
}

async function serve(
  source: HttpSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let result: Answer;
  if (request.method !== "GET" && request.method !== "HEAD") {
    result = { status: 405, type: TEXT, body: "only GET and HEAD are served\n" };
  } else {
    try {
      result = await answer(source, new URL(request.url ?? "/", "http://member"));
    } catch (error) {
      result = { status: 400, type: TEXT, body: `${errorText(error)}\n` };
    }
  }
  response.writeHead(result.status, { "content-type": result.type });
  response.end(request.method === "HEAD" ? "" : result.body);
}

/** Health and metrics of a member over HTTP. */
export class HttpSide {
  readonly #server: Server;

  constructor(source: HttpSource) {
    this.#server = createServer((request, response) => void serve(source, request, response));
  }

  /** Listens and gives the port. Throws UNAVAILABLE naming the address when it is taken. */
  async listen(address: HostPort): Promise<number> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(address.port, address.host, resolve);
      });
    } catch (error) {
      const message = `can't listen for HTTP on ${formatHostPort(address)}: ${errorText(error)}`;
      throw new AtollError("UNAVAILABLE", message, { cause: error });
    }
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the HTTP port is unknown");
    return bound.port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
