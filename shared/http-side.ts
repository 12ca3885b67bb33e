import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { parseHostPort } from "./address.js";
import { AtollError, errorText } from "./errors.js";

/** The answer to one GET. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export const HTTP_TEXT = "text/plain; charset=utf-8";
export const HTTP_JSON = "application/json; charset=utf-8";
export const HTTP_METRICS = "text/plain; version=0.0.4; charset=utf-8";

async function serve(
  answer: (url: URL) => Promise<HttpAnswer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let result: HttpAnswer;
  if (request.method !== "GET" && request.method !== "HEAD") {
    result = { status: 405, type: HTTP_TEXT, body: "only GET and HEAD are served\n" };
  } else {
    try {
      result = await answer(new URL(request.url ?? "/", "http://localhost"));
    } catch (error) {
      result = { status: 400, type: HTTP_TEXT, body: `${errorText(error)}\n` };
    }
  }
  response.writeHead(result.status, { "content-type": result.type });
  response.end(request.method === "HEAD" ? "" : result.body);
}

/** A process's health and metrics over HTTP. */
export class HttpSide {
  readonly #server: Server;

  constructor(answer: (url: URL) => Promise<HttpAnswer>) {
    this.#server = createServer((request, response) => void serve(answer, request, response));
  }

  /** Listens on `host:port` and gives the port. Throws UNAVAILABLE naming the address when it is taken. */
  async listen(address: string): Promise<number> {
    const { host, port } = parseHostPort(address, "http");
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(port, host, resolve);
      });
    } catch (error) {
      const message = `can't listen for HTTP on ${address}: ${errorText(error)}`;
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
