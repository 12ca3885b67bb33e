import type { Server } from "node:net";

/** Has a server listen on a free loopback port; gives host:port. */
export async function listenOnLoopback(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return `127.0.0.1:${address.port}`;
}
