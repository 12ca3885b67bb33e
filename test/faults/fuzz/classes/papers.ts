import { create, toBinary } from "@bufbuild/protobuf";
import type { Order } from "../../../../global/digest/orders.js";
import { orderBytes } from "../../../../global/digest/orders.js";
import { encodeReport } from "../../../../global/digest/wire-report.js";
import { encodeOrder } from "../../../../global/digest/wire-trust.js";
import {
  RegionReportSchema,
  SignedReportSchema,
} from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
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

/** Reports of the future, which nobody signed, or somebody else. */
export const forgedReports: AttackClass = ({ random, west, north, keysOf }) => {
  const { keyId } = west.trust.sign(new Uint8Array(0));
  const reports = Array.from({ length: 6 }, () => {
    const region = random.pick(["west", "west", "west", "north", "east", "mars"]);
    const { incarnation } = random.pick([west, north]);
    const report = encodeReport({
      region,
      incarnation: { ...incarnation, counter: random.pick([1, 2 ** 53 - 1]) },
      revision: 2 ** 53 - 1,
      summaries: [],
      clusterId: "abc",
      intent: "evacuated",
    });
    const bytes = toBinary(RegionReportSchema, report);
    const signed = random.pick([
      { signature: new Uint8Array(0), keyId: "" },
      keysOf("north").sign(bytes),
      { ...keysOf("north").sign(bytes), keyId },
      // The region's own signature, over something else than a report.
      west.trust.sign(bytes),
    ]);
    return create(SignedReportSchema, { report: bytes, ...signed });
  });
  const frames = reports.map((report) => frameOf({ reports: [report] }));
  return { what: "reports that the region didn't make", frames, shows: "refusal" };
};
