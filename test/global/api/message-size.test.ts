import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { messageBytes } from "../../../global/api/message-size.js";
import { groupMessage } from "../../../global/api/messages.js";
import { updateBodies } from "../../../global/api/update-messages.js";
import type { Cell, GroupKey } from "../../../global/digest/cell.js";
import { type Leaf, makeLeaf, pathOf } from "../../../global/digest/leaf.js";
import { makeSection, type Schema } from "../../../global/digest/section.js";
import { packBins } from "../../../global/digest/sketch/ddsketch.js";
import { packTop } from "../../../global/digest/values/top.js";
import { encodeValue } from "../../../global/digest/values/value-code.js";
import { packSet } from "../../../global/digest/values/value-set.js";
import { GroupFilter } from "../../../global/view/group-filter.js";
import {
  GetResponseSchema,
  GlobalService,
  GroupSchema,
  UpdateSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MAX_CELL_BYTES_PER_MESSAGE } from "../../../shared/limits.js";
import { contentOf, groupKey, version } from "../digest/model.js";
import { FakeGateway, Served } from "./fake-gateway.js";

const SCHEMA: Schema = {
  fingerprint: "ef".repeat(32),
  groupBy: ["value.app"],
  measures: [{ name: "names", kind: "set", scale: 0, limit: 128 }],
  retired: false,
};
const GROUPS = 400;

/** A set of 128 values of 250 bytes. */
const codes = Array.from({ length: 128 }, (_, i) => encodeValue(`${100 + i}${"x".repeat(247)}`));
const large: Cell = { kind: "set", packed: packSet({ codes, truncated: false }) };
const names = Array.from({ length: GROUPS }, (_, i) => groupKey(1_000 + i));
const groups = new Map<GroupKey, readonly Cell[]>(names.map((key) => [key, [large]]));

let gateway: FakeGateway;
let served: Served;

beforeAll(async () => {
  gateway = new FakeGateway();
  served = await Served.start(gateway);
  const id = { region: "us-east", summary: "wide" };
  const { root } = makeSection(id, version(3), SCHEMA, contentOf(groups), sha256);
  gateway.hear({ kind: "whole", id, to: version(3), schema: SCHEMA, changes: groups, root });
});
afterAll(() => served.stop());

describe("groups of many bytes", () => {
  test("come from Get in pages that are no larger than a message may be", async () => {
    const seen: string[] = [];
    let pages = 0;
    for (let after = "", more = true; more; pages++) {
      const answer = await served.client.unary(GlobalService.method.get, {
        summary: "wide",
        after,
        byRegion: true,
      });
      expect(toBinary(GetResponseSchema, answer).length).toBeLessThan(MAX_CELL_BYTES_PER_MESSAGE);
      seen.push(...answer.groups.map(({ key }) => key));
      after = seen.at(-1) as string;
      ({ more } = answer);
    }
    expect(seen).toEqual(names);
    expect(pages).toBeGreaterThan(3);
  });

  test("come in updates that are no larger than a message may be", () => {
    const leaves = names.map((key): Leaf => makeLeaf(key, pathOf(key, sha256), [large], sha256));
    const merged = { reset: true, schema: SCHEMA, changed: leaves, removed: [groupKey("gone")] };
    const news = { summary: "wide", merged, others: [], othersChanged: false, byRegion: new Map() };
    const bodies = updateBodies(news, new GroupFilter([], ""), false);
    expect(bodies.length).toBeGreaterThan(2);
    for (const body of bodies) expect(body.length).toBeLessThan(MAX_CELL_BYTES_PER_MESSAGE);
    const updates = bodies.map((body) => fromBinary(UpdateSchema, body));
    expect(updates.flatMap((update) => update.groups.map(({ key }) => key))).toEqual(names);
    expect(updates.flatMap(({ removed }) => removed)).toEqual([groupKey("gone")]);
    expect(updates.map(({ more }) => more)).toEqual(bodies.map((_, i) => i < bodies.length - 1));
  });
});

test("a message is no larger than it was thought to be", () => {
  const entries = Array.from({ length: 128 }, (_, i) => ({
    code: encodeValue(String.fromCharCode(33 + i)),
    weight: Number.MAX_SAFE_INTEGER - i,
    error: Number.MAX_SAFE_INTEGER,
  }));
  const bins = Array.from({ length: 500 }, (_, i) => i);
  const cells: readonly Cell[] = [
    large,
    { kind: "top", packed: packTop({ entries, unlisted: 0 }) },
    { kind: "top", packed: packTop({ entries: [], unlisted: 0 }) },
    {
      kind: "quantiles",
      packed: packBins(
        bins,
        bins.map((bin) => bin + 1),
      ),
    },
    { kind: "any", packed: encodeValue(-1.5) },
    { kind: "sum", scaled: -(2n ** 62n) },
  ];
  const measures = cells.map(({ kind }) => ({ name: kind, kind, scale: 9, limit: 128 }));
  const schema = { ...SCHEMA, measures };
  for (const sketches of [false, true]) {
    const message = groupMessage("[]", cells, schema, sketches);
    expect(toBinary(GroupSchema, message).length).toBeLessThan(messageBytes(cells, sketches));
  }
});
