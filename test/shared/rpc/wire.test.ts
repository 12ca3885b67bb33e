import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { KV, PutRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { answer, frameMessage, rawCall, serve } from "./served.js";

describe("what is no gRPC", () => {
  const path = "/etcdserverpb.KV/Put";

  // No message where there must be one is UNIMPLEMENTED (gRPC's statuscodes.md, cardinality).
  test.each([
    ["a malformed message", frameMessage(new Uint8Array([0xff, 0xff])), "3", /PutRequest message/],
    ["half a message", frameMessage(new Uint8Array(9)).subarray(0, 8), "12", /[Mm]essage/],
    ["no message", Buffer.alloc(0), "12", /[Mm]essage/],
  ])("%s is refused with a reason", async (_, body, status, reason) => {
    const { port } = await serve((server) => server.add(KV, { put: () => answer }));
    const reply = await rawCall(port, path, body);
    expect(reply["grpc-status"]).toBe(status);
    expect(decodeURI(String(reply["grpc-message"]))).toMatch(reason);
  });

  test("a compressed message is read, one in an unknown encoding is refused", async () => {
    const { port } = await serve((server) =>
      server.add(KV, {
        put: ({ value }) => {
          if (Buffer.from(value).toString() !== "x".repeat(1_000)) throw new Error("another value");
          return answer;
        },
      }),
    );
    const request = create(PutRequestSchema, { value: Buffer.alloc(1_000, "x") });
    const body = frameMessage(gzipSync(toBinary(PutRequestSchema, request)));
    body[0] = 1;
    const read = await rawCall(port, path, body, { "grpc-encoding": "gzip" });
    expect(read["grpc-status"]).toBe("0");
    const refused = await rawCall(port, path, body, { "grpc-encoding": "snappy" });
    expect(refused).toMatchObject({
      "grpc-status": "12",
      "grpc-message": expect.stringContaining("snappy"),
    });
  });

  test("another content type gets 415", async () => {
    const { port } = await serve((server) => server.add(KV, { put: () => answer }));
    const reply = await rawCall(port, path, Buffer.alloc(0), { "content-type": "text/plain" });
    expect(reply[":status"]).toBe(415);
  });
});
