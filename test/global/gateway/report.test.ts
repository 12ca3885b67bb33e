import { expect, test } from "vitest";
import { DefinitionTexts } from "../../../global/gateway/definition-texts.js";
import { ReportSender } from "../../../global/gateway/report.js";
import { fromBinaryKey, toBinaryKey, utf8 } from "../../../shared/bytes.js";
import { MAX_REPORT_TEXT_BYTES } from "../../../shared/limits.js";

const SUMMARY = {
  summary: "machines",
  definition: 2,
  text: "name: machines",
  fingerprint: "",
  error: "",
  refolding: true,
  matched: 0,
  skipped: 0,
  samples: [],
};
const REST = { summaries: [SUMMARY], clusterId: "c1", intent: "active" } as const;
const life = (counter: number) => ({
  counter,
  nonce: String(counter).repeat(32),
  baseRevision: 0,
  parentNonce: "",
});

test("a report is sent when something in it has changed, at a revision of its own", () => {
  const sender = new ReportSender();
  const report = { region: "east", incarnation: life(1), revision: 5, ...REST };
  expect(sender.isNews(report)).toBe(true);
  expect(sender.isNews(report)).toBe(false);
  expect(sender.isNews({ ...report, revision: 6 })).toBe(false);
  const done = { ...report, summaries: [{ ...SUMMARY, refolding: false }] };
  // Receivers would take it for what they have; the lineage raises the revision each second.
  expect(sender.isNews(done)).toBe(false);
  expect(sender.isNews({ ...done, revision: 7 })).toBe(true);
});

test("a restored region's report is sent though its revision is lower", () => {
  const sender = new ReportSender();
  const report = { region: "east", incarnation: life(1), revision: 500, ...REST };
  expect(sender.isNews(report)).toBe(true);
  expect(sender.isNews({ ...report, incarnation: life(2), revision: 20 })).toBe(true);
  expect(sender.isNews({ ...report, incarnation: life(2), revision: 21 })).toBe(false);
});

const binary = (text: string): string => toBinaryKey(utf8(text));
const event = (key: string, value: string | undefined) => ({
  key: binary(key),
  value: value === undefined ? undefined : utf8(value),
  modRevision: 2,
});

test("definitions are kept as they were written, under the name that people read", () => {
  const texts = new DefinitionTexts();
  const records = [event("/atoll/summaries/machines", "a"), event("/atoll/summaries/größe", "b")];
  texts.take({ kind: "load", scan: 0, records, done: true, revision: 2 });
  expect([texts.of("machines"), texts.of("größe"), texts.of("other")]).toEqual(["a", "b", ""]);
  const events = [event("/atoll/summaries/machines", "c"), event("/machines/a", "{}")];
  texts.take({ kind: "batch", revision: 3, events });
  expect(texts.of("machines")).toBe("c");
  texts.take({
    kind: "batch",
    revision: 4,
    events: [event("/atoll/summaries/machines", undefined)],
  });
  expect(texts.of("machines")).toBe("");
  texts.take({ kind: "reset", incarnation: life(2), reason: "restored" });
  expect(texts.of("größe")).toBe("");
});

test("a definition of any length and of any bytes is kept within bounds", () => {
  const texts = new DefinitionTexts();
  const value = fromBinaryKey("\u00ff".repeat(1_000_000));
  const key = "/atoll/summaries/huge";
  texts.take({ kind: "batch", revision: 2, events: [{ key, value, modRevision: 2 }] });
  expect(utf8(texts.of("huge")).length).toBeLessThanOrEqual(MAX_REPORT_TEXT_BYTES);
  expect(texts.of("huge").endsWith("…")).toBe(true);
});
