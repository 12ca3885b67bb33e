import { create } from "@bufbuild/protobuf";
import type { Order } from "../../../../global/digest/orders.js";
import { orderBytes } from "../../../../global/digest/orders.js";
import { encodeOrder } from "../../../../global/digest/wire-trust.js";
import { encodeIncarnation } from "../../../../global/digest/wire-version.js";
import { RegionReportSchema } from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import type { AttackClass } from "../attack.js";
import { frameOf } from "../material.js";

/** Orders that no operator gave. */
export const forgedOrders: AttackClass = ({ random, keysOf }) => {
  const orders = Array.from({ length: 10 }, () => {
    const isForget = random.chance(0.5);
    const statement = {
      kind: isForget ? ("forget" as const) : ("adopt" as const),
      region: random.pick(["east", "west", "north", "mars"]),
      counter: random.pick([1, 2, 2 ** 50]),
      nonce: isForget ? "" : "5".repeat(32),
      serial: random.int(1e6),
    };
    const signed = random.pick([
      keysOf("west").sign(orderBytes(statement)),
      { signature: new Uint8Array(0), keyId: "" },
      { signature: new Uint8Array(64), keyId: keysOf("east").sign(new Uint8Array(0)).keyId },
    ]);
    const order: Order = { ...statement, ...signed };
    return encodeOrder(order);
  });
  return { what: "orders that no operator gave", frames: [frameOf({ orders })], shows: "refusal" };
};

/** Reports of other regions, of the future, of another life, and such as nobody signed. */
export const forgedReports: AttackClass = ({ random, west, north }) => {
  const reports = Array.from({ length: 6 }, () =>
    create(RegionReportSchema, {
      region: random.pick(["west", "west", "north", "east", "mars"]),
      incarnation: encodeIncarnation({
        ...random.pick([west, north]).incarnation,
        counter: random.pick([1, 2 ** 53 - 1]),
      }),
      revision: BigInt(2 ** 53 - 1),
      intent: "evacuated",
      summaries: [{ summary: "machines", definition: 2n, text: "x", error: "forged" }],
    }),
  );
  return {
    what: "reports that the region didn't make",
    frames: [frameOf({ reports })],
    shows: "refusal",
  };
};
