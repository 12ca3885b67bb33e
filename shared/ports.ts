import { createServer } from "node:net";

/**
 * Ports below the range from which the kernel takes those of outgoing connections
 * (32768 on Linux), so that none is lost between its choice and its use.
 */
const FIRST_PORT = 11_000;
const PORT_COUNT = 20_000;

const given = new Set<number>();

/** Whether `host:port` can be listened on now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Free loopback ports for programs that can't take port 0; this process gives none twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (given.has(port) || !(await isPortFree("127.0.0.1", port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}
