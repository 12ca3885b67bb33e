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

type Answerer = (url: URL) => Promise<HttpAnswer>;

function inText(status: number, text: string): HttpAnswer {
  return { status, type: HTTP_TEXT, body: `${text}\n` };
}

async function resultOf(answer: Answerer, request: IncomingMessage): Promise<HttpAnswer> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return inText(405, "only GET and HEAD are served");
  }
  const path = request.url ?? "/";
  if (!URL.canParse(path, "http://localhost")) return inText(400, `${path} is not a path`);
  try {
    return await answer(new URL(path, "http://localhost"));
  } catch (error) {
    return inText(500, errorText(error));
  }
}

async function serve(
  answer: Answerer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await resultOf(answer, request);
  const headers = { "content-type": type, ...(status === 405 ? { allow: "GET, HEAD" } : {}) };
  response.writeHead(status, headers);
  response.end(request.method === "HEAD" ? "" : body);
}

/**
 * A process's health and metrics over HTTP. `answer` gives the answer to a GET; what it
 * throws is answered as 500 with its text.
 */
export class HttpSide {
  readonly #server: Server;

  constructor(answer: Answerer) {
    this.#server = createServer((request, response) => void serve(answer, request, response));
  }

  /** Listens on `host:port` and gives the port. Throws UNAVAILABLE naming the address when it is taken. */
  async listen(address: string): Promise<number> {
    const { host, port } = parseHostPort(address, "http");
    try {
      await new Promise<void>((resolve, reject) => {
        // It stays: a connection that can't be accepted, for want of descriptors, ends no process.
        this.#server.on("error", reject);
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

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
