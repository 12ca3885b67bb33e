import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODES } from "../../../shared/errors.js";
import { grpcFrame, rawCall, sendGarbage } from "../raw-grpc.js";
import { PoisonedWorld } from "./poisoned-world.js";

/** Bytes that are no message, at each of a gateway's doors: it says so, and goes on. */
const GET = "/atoll.global.v1.GlobalService/Get";
const SYNC = "/atoll.mesh.v1.MeshService/Sync";
const NONSENSE = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff);

let poisoned: PoisonedWorld;

beforeAll(async () => {
  poisoned = await PoisonedWorld.start({ regions: ["east"] });
});
afterAll(async () => {
  await poisoned?.stop();
});

describe("calls that are none", () => {
  test("malformed messages are refused with code and text, and counted", async () => {
    const { grpc } = poisoned.gateway.address;
    const get = await rawCall(grpc, GET, grpcFrame(NONSENSE));
    expect(get.status).toBe(CODES.INVALID_ARGUMENT);
    expect(get.message).toContain("atoll.global.v1.GetRequest");
    const sync = await rawCall(grpc, SYNC, grpcFrame(NONSENSE), true);
    expect(sync.status).toBe(CODES.INVALID_ARGUMENT);
    expect(sync.message).toContain("atoll.mesh.v1.SyncRequest");
    for (const method of [GET, SYNC]) {
      const label = `method="${method.slice(1)}"`;
      expect(await poisoned.metric("rpc_calls_total", label, 'code="INVALID_ARGUMENT"')).toBe(1);
    }
    await poisoned.expectUnhurt();
  });

  test("a stream whose first message isn't a hello is refused", async () => {
    const { status, message } = await rawCall(
      poisoned.gateway.address.grpc,
      SYNC,
      grpcFrame(new Uint8Array(0)),
      true,
    );
    expect(status).toBe(CODES.INVALID_ARGUMENT);
    expect(message).toBe("hello: the first message must have one");
    await poisoned.expectUnhurt();
  });

  test("an oversize request is refused, and the next one is served", async () => {
    const large = grpcFrame(new Uint8Array(4 * 1024 * 1024));
    for (const method of [GET, SYNC]) {
      const { status, message } = await rawCall(poisoned.gateway.address.grpc, method, large, true);
      expect([method, status]).toEqual([method, CODES.RESOURCE_EXHAUSTED]);
      expect(message).toMatch(/larger than|too large/);
    }
    await poisoned.expectUnhurt();
  });

  test("an unknown method is said to be none", async () => {
    const path = "/atoll.global.v1.GlobalService/Nothing";
    const { status, message } = await rawCall(
      poisoned.gateway.address.grpc,
      path,
      grpcFrame(NONSENSE),
    );
    expect(status).toBe(CODES.UNIMPLEMENTED);
    expect(message).toContain("Nothing");
    await poisoned.expectUnhurt();
  });

  test("bytes that are no HTTP/2 are hung up on", async () => {
    await sendGarbage(
      poisoned.gateway.address.grpc,
      Buffer.from("\u0000\u0001 no protocol at all\r\n\r\n"),
    );
    await sendGarbage(poisoned.gateway.address.grpc, Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await sendGarbage(poisoned.gateway.address.http, NONSENSE);
    await poisoned.expectUnhurt();
  });
});
