import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Ports below the range from which the kernel takes those of outgoing connections
 * (32768 on Linux), so that none is lost between its choice and its use.
 */
const FIRST_PORT = 11_000;
const PORT_COUNT = 20_000;

/** Where processes that choose ports at once tell each other what is taken: one file a port. */
const CLAIMS = join(tmpdir(), "atoll-ports");
const claimed = new Set<string>();

function releaseAll(): void {
  for (const file of claimed) rmSync(file, { force: true });
}

function isAlive(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Claims a port until this process ends; false when another live process has it. */
function claim(port: number): boolean {
  mkdirSync(CLAIMS, { recursive: true });
  const file = join(CLAIMS, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch {
    // Whoever died with a claim left it behind; the port is somebody's to take the next time.
    if (!isAlive(file)) rmSync(file, { force: true });
    return false;
  }
  if (claimed.size === 0) process.once("exit", releaseAll);
  claimed.add(file);
  return true;
}

/** Whether `host:port` can be listened on now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Free loopback ports for programs that can't take port 0; no two processes are given the same. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (claim(port) && (await isPortFree("127.0.0.1", port))) ports.push(port);
  }
  return ports;
}
