import { HTTP_METRICS, HTTP_TEXT, type HttpAnswer } from "../../shared/http-side.js";

/** How a gateway is, as its HTTP side asks. */
export interface GatewayCondition {
  /** Why consumers should go elsewhere for now; undefined when they needn't. */
  unready(): string | undefined;
  /** What is wrong with the own region's source, or how far it is; empty when all is well. */
  sourceText(): string;
  /** All metrics in Prometheus's text format. */
  metrics(): Promise<string>;
}

/** Answers a gateway's HTTP side: health, readiness and metrics. */
export async function answerPage(url: URL, condition: GatewayCondition): Promise<HttpAnswer> {
  switch (url.pathname) {
    case "/health":
    case "/livez":
      return text(200, "ok");
    case "/readyz": {
      const reason = condition.unready();
      if (reason !== undefined) return text(503, reason);
      // It serves what it has, of other regions too, and says what is wrong with its own.
      const trouble = condition.sourceText();
      return text(200, trouble === "" ? "ok" : `ok\n${trouble}`);
    }
    case "/metrics":
      return { status: 200, type: HTTP_METRICS, body: await condition.metrics() };
    default:
      return text(404, "try /health, /livez, /readyz or /metrics");
  }
}

function text(status: number, body: string): HttpAnswer {
  return { status, type: HTTP_TEXT, body: `${body}\n` };
}
