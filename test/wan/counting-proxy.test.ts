import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { CountingProxy } from "./counting-proxy.js";

test("every byte of both directions is carried and counted", async () => {
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(echo, "listening");
  const address = echo.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const proxy = await CountingProxy.start(`127.0.0.1:${address.port}`);
  const [host, port] = proxy.address.split(":");
  const socket = connect({ host: host as string, port: Number(port) });
  const sent = Buffer.alloc(300_000, "x");
  let received = 0;
  const done = new Promise<void>((resolve) => {
    socket.on("data", (bytes: Buffer) => {
      received += bytes.length;
      if (received === sent.length) resolve();
    });
  });
  socket.write(sent);
  await done;
  expect(proxy.bytes).toBe(2 * sent.length);
  const closed = once(socket, "close");
  await proxy.stop();
  await closed;
  echo.close();
});
