import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePorts, isPortFree } from "../../shared/ports.js";

test("ports are free, apart, and given once", async () => {
  const first = await freePorts(50);
  const second = await freePorts(50);
  expect(new Set([...first, ...second]).size).toBe(100);
  for (const port of first) expect(await isPortFree("127.0.0.1", port)).toBe(true);
});

test("a port that something listens on isn't free", async () => {
  const [port] = (await freePorts(1)) as [number];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect(await isPortFree("127.0.0.1", port)).toBe(false);
  await new Promise((resolve) => server.close(resolve));
});
