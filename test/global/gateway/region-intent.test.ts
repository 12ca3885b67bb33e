import { expect, test } from "vitest";
import { RegionIntent } from "../../../global/gateway/region-intent.js";
import { toBinaryKey, utf8 } from "../../../shared/bytes.js";
import { createLogger } from "../../../shared/log.js";

const life = { counter: 1, nonce: "ab".repeat(16), baseRevision: 0, parentNonce: "" };
const record = (value: string | undefined, key = "/atoll/intent") => ({
  key: toBinaryKey(utf8(key)),
  value: value === undefined ? undefined : utf8(value),
  modRevision: 2,
});
const word = (intent: string): string => JSON.stringify({ format: 1, intent });

test("a region is active until it says something else, and again when it takes that back", () => {
  const intent = new RegionIntent(createLogger("silent", {}));
  expect(intent.now).toBe("active");
  const records = [record(word("standby"), "/machines/a"), record(word("draining"))];
  intent.take({ kind: "load", scan: 0, records, done: true, revision: 2 });
  expect(intent.now).toBe("draining");
  intent.take({ kind: "batch", revision: 3, events: [record(word("evacuated"))] });
  expect(intent.now).toBe("evacuated");
  intent.take({ kind: "batch", revision: 4, events: [record(undefined)] });
  expect(intent.now).toBe("active");
});

test("a word that can't be read is not taken for active", () => {
  const intent = new RegionIntent(createLogger("silent", {}));
  intent.take({ kind: "batch", revision: 3, events: [record("maybe")] });
  expect(intent.now).toBeUndefined();
  intent.take({ kind: "reset", incarnation: life, reason: "" });
  expect(intent.now).toBe("active");
});
