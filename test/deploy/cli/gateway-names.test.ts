import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { nameNotes } from "../../../deploy/cli/gateway-names.js";
import {
  GatewayNameSchema,
  RegionSchema,
  RegionsResponseSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";

test("names of gateways are told of while they fail, with what is known of them", () => {
  const name = (init: {
    name: string;
    error: string;
    addresses?: string[];
    answerAgeMs?: number;
  }) => create(GatewayNameSchema, init);
  const view = create(RegionsResponseSchema, {
    regions: [
      create(RegionSchema, {
        gatewayNames: [
          name({ name: "dns:a:1", error: "", addresses: ["10.0.0.1:1"], answerAgeMs: 5 }),
          name({ name: "dns:b:1", error: "A of b: ESERVFAIL" }),
          name({ name: "srv:c", error: "lost", addresses: ["10.0.0.1:1"], answerAgeMs: 2_000 }),
        ],
      }),
    ],
  });
  const notes = nameNotes(view);
  expect(notes).toHaveLength(2);
  expect(notes[0]).toBe("dns:b:1 fails: A of b: ESERVFAIL");
  expect(notes[1]).toMatch(/^srv:c fails: lost; 1 known by the answer of 2.* ago$/);
  expect(nameNotes(undefined)).toEqual([]);
});
