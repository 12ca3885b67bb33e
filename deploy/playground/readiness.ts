import { get } from "node:http";

/** Pause between two looks at a process that isn't ready. */
const POLL_MS = 100;

/** What one look at `/readyz` showed. */
export interface Readiness {
  readonly ready: boolean;
  readonly reason: string;
}

/** Asks `/readyz` of a process once. Never throws: what fails is a reason. */
export function lookAt(http: string): Promise<Readiness> {
  return new Promise((resolve) => {
    const request = get(`http://${http}/readyz`, { timeout: 1_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text.slice(0, 500);
      });
      response.on("end", () =>
        resolve({ ready: response.statusCode === 200, reason: body.trim() }),
      );
    });
    request.on("timeout", () => request.destroy(new Error("no answer in a second")));
    request.on("error", (error) => resolve({ ready: false, reason: error.message }));
  });
}

/**
 * Waits until the process is ready; undefined then, or why it isn't by the
 * deadline or when `signal` fires.
 */
export async function waitUntilReady(
  http: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { ready, reason } = await lookAt(http);
    if (ready) return undefined;
    if (signal.aborted) return "stopped";
    if (performance.now() > deadline) return reason;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
