import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SubscribeResponseSchema } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { WatchResponseSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { benchRecord, DeliveryReader } from "./deliveries.js";

/** What the light readers of the subscribers' benchmark make of messages, beside full decoders' input. */
const response = (init: MessageInitShape<typeof SubscribeResponseSchema>): Buffer =>
  Buffer.from(toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, init)));
const watch = (init: MessageInitShape<typeof WatchResponseSchema>): Buffer =>
  Buffer.from(toBinary(WatchResponseSchema, create(WatchResponseSchema, init)));

const group = (put: number) => ({
  key: JSON.stringify([`g${put}`]),
  cells: [
    { value: { case: "count" as const, value: 300n } },
    { value: { case: "max" as const, value: { value: put } } },
  ],
});

test("an update brings the numbers in its groups, a heartbeat says that it stands", () => {
  const reader = new DeliveryReader("atoll");
  const update = {
    summary: "bench",
    groups: [7, 1_000_000, 0].map(group),
    regions: [{ region: "a", maxAgeMs: 12.5, version: { revision: 9_007_199_254_740_991n } }],
  };
  const bytes = response({ event: { case: "update", value: update } });
  const read = reader.read(bytes);
  expect(read).toEqual({ puts: [7, 1_000_000, 0], stands: false });
  expect(reader.read(Buffer.from(bytes))).toBe(read);
  const heartbeat = (complete: boolean): Buffer =>
    response({ event: { case: "heartbeat", value: { complete, regions: update.regions } } });
  expect(reader.read(heartbeat(false))).toEqual({ puts: [], stands: false });
  expect(reader.read(heartbeat(true))).toEqual({ puts: [], stands: true });
});

test("a watch's events bring the numbers in their values", () => {
  const reader = new DeliveryReader("etcd");
  expect(reader.read(watch({ header: { revision: 5n }, created: true }))).toEqual({
    puts: [],
    stands: true,
  });
  const events = [3, 4_000].map((put) => {
    const { key, value } = benchRecord(put, 1_000);
    expect(Buffer.byteLength(value)).toBe(130);
    return { kv: { key: Buffer.from(key), value: Buffer.from(value), modRevision: BigInt(put) } };
  });
  expect(reader.read(watch({ header: { revision: 6n }, events }))).toEqual({
    puts: [3, 4_000],
    stands: false,
  });
});
