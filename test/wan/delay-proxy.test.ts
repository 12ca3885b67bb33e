import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../../shared/random.js";
import { DelayProxy } from "./delay-proxy.js";

let server: Server;
let target: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  target = typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function dial(proxy: DelayProxy): Socket {
  const socket = connect(Number(proxy.address.split(":")[1]), "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  return socket;
}

async function open(proxy: DelayProxy): Promise<Socket> {
  const socket = dial(proxy);
  await once(socket, "connect");
  return socket;
}

/** A trip over another link takes about this long: something that may not happen has had the time to. */
const WHILE_MS = 60;

async function timePasses(): Promise<void> {
  const other = await DelayProxy.start({ target, delayMs: WHILE_MS / 2 });
  await roundTripMs(await open(other), "time passes");
  await other.stop();
}

async function roundTripMs(socket: Socket, text: string): Promise<number> {
  const start = performance.now();
  socket.write(text);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toBe(text);
  return performance.now() - start;
}

test("each direction takes the delay, neither less nor far more", async () => {
  const proxy = await DelayProxy.start({ target, delayMs: 40 });
  const socket = await open(proxy);
  const trips: number[] = [];
  for (let i = 0; i < 10; i++) trips.push(await roundTripMs(socket, `ping ${i}`));
  trips.sort((a, b) => a - b);
  expect(trips[0]).toBeGreaterThanOrEqual(80);
  expect(trips[4]).toBeLessThan(100);
  await proxy.stop();
});

test("a large stream comes through whole and in order, jitter or not", async () => {
  const random = seededRandom(3);
  const proxy = await DelayProxy.start({
    target,
    delayMs: 5,
    jitterMs: 5,
    random: () => random.next(),
  });
  const socket = await open(proxy);
  const sent = Buffer.from(Uint32Array.from({ length: 3_000_000 }, (_, i) => i).buffer);
  const received: Buffer[] = [];
  let length = 0;
  const whole = new Promise<void>((resolve) => {
    socket.on("data", (bytes) => {
      received.push(bytes);
      length += bytes.length;
      if (length === sent.length) resolve();
    });
  });
  socket.write(sent);
  await whole;
  expect(Buffer.concat(received).equals(sent)).toBe(true);
  await proxy.stop();
});

test("a reset ends open connections and refuses new ones until it heals", async () => {
  const proxy = await DelayProxy.start({ target, delayMs: 1 });
  const first = await open(proxy);
  await roundTripMs(first, "a");
  const closed = new Promise((resolve) => first.once("close", resolve));
  proxy.cut("reset");
  await closed;
  await new Promise((resolve) => dial(proxy).once("close", resolve));
  proxy.heal();
  await roundTripMs(await open(proxy), "b");
  await proxy.stop();
});

test("a blackhole is silent and loses nothing", async () => {
  const proxy = await DelayProxy.start({ target, delayMs: 1 });
  const socket = await open(proxy);
  await roundTripMs(socket, "a");
  proxy.cut("blackhole");
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString();
  });
  socket.write("b");
  await timePasses();
  expect(heard).toBe("");
  const back = once(socket, "data");
  proxy.heal();
  await back;
  expect(heard).toBe("b");
  await proxy.stop();
});

test("what is said in one direction can be held alone", async () => {
  const proxy = await DelayProxy.start({ target, delayMs: 1 });
  const socket = await open(proxy);
  await roundTripMs(socket, "a");
  proxy.cut("back");
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString();
  });
  const echoed = once(sockets.at(-1) as Socket, "data");
  socket.write("b");
  expect(String(await echoed)).toBe("b");
  await timePasses();
  expect(heard).toBe("");
  const back = once(socket, "data");
  proxy.cut("forth");
  await back;
  expect(heard).toBe("b");
  socket.write("c");
  await timePasses();
  expect(heard).toBe("b");
  const through = once(socket, "data");
  proxy.heal();
  await through;
  expect(heard).toBe("bc");
  await proxy.stop();
});
