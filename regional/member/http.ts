import { errorText } from "../../shared/errors.js";
import {
  HTTP_JSON,
  HTTP_METRICS,
  HTTP_TEXT,
  type HttpAnswer,
  HttpSide,
} from "../../shared/http-side.js";
import { HEALTH_CHECK_TIMEOUT_MS } from "../../shared/limits.js";

/** What the HTTP side asks of its member. */
export interface HttpSource {
  readonly hasLeader: boolean;
  readonly stopping: AbortSignal;
  linearizable(): Promise<void>;
  /** Metrics in Prometheus's text format. */
  metrics(): Promise<string>;
}

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
async function answer(source: HttpSource, url: URL): Promise<HttpAnswer> {
  switch (url.pathname) {
    case "/livez":
      return { status: 200, type: HTTP_TEXT, body: "ok\n" };
    case "/readyz": {
      const reason = await trouble(source);
      return reason === undefined
        ? { status: 200, type: HTTP_TEXT, body: "ok\n" }
        : { status: 503, type: HTTP_TEXT, body: `${reason}\n` };
    }
    case "/health": {
      const serializable = url.searchParams.get("serializable") === "true";
      const reason = serializable ? undefined : await trouble(source);
      return {
        status: reason === undefined ? 200 : 503,
        type: HTTP_JSON,
        body: JSON.stringify({ health: String(reason === undefined), reason: reason ?? "" }),
      };
    }
    case "/metrics":
      return { status: 200, type: HTTP_METRICS, body: await source.metrics() };
    default:
      return { status: 404, type: HTTP_TEXT, body: "try /health, /livez, /readyz or /metrics\n" };
  }
}

/** Health and metrics of a member over HTTP. */
export function memberHttp(source: HttpSource): HttpSide {
  return new HttpSide((url) => answer(source, url));
}
