import { afterAll, beforeAll, expect, test } from "vitest";
import { etcdctl } from "./etcdctl.js";
import { both, type Pair, startPair } from "./subject.js";

/** etcdctl's commands on the cluster: health, status and members. */
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.stop());

/** Lines in an order that doesn't depend on ids or on who answers first. */
function sorted(text: string): string[] {
  return text.split("\n").sort();
}

test.each([0, 1, 2, "all"] as const)("endpoint health of %s", async (member) => {
  const health = await both(pair, async (subject) => {
    const { code, stdout, stderr } = await etcdctl(subject, member, ["endpoint", "health"]);
    return { code, lines: sorted(stdout + stderr) };
  });
  expect(health.code).toBe(0);
  expect(health.lines.join("\n")).toContain("is healthy");
});

test("endpoint status has one leader", async () => {
  const status = await both(pair, async (subject) => {
    const { code, stdout } = await etcdctl(subject, "all", ["endpoint", "status"]);
    const lines = stdout
      .replace(/, \d+\.\d+\.\d+, /g, ", VERSION, ")
      .replace(/\d+(\.\d+)? [kM]?B/g, "SIZE")
      .replace(/, \d+, \d+, \d+, $/gm, ", TERM, INDEX, APPLIED, ")
      .replace(/ENDPOINT\d/g, "ENDPOINT");
    return { code, lines: sorted(lines) };
  });
  const follower = "ENDPOINT, HEX, VERSION, SIZE, false, false, TERM, INDEX, APPLIED, ";
  expect(status.lines).toEqual(["", follower, follower, follower.replace("false", "true")]);
});

test.each(["json", "fields", "table"])("endpoint status as %s", async (format) => {
  await both(pair, async (subject) => {
    const args = ["endpoint", "status", "-w", format];
    const { code, stdout, stderr } = await etcdctl(subject, 1, args);
    // In a table widths depend on what stands in it; only its head is alike.
    const shown = format === "table" ? stdout.split("\n")[1]?.replace(/ +/g, " ") : stdout;
    return { code, shown, stderr };
  });
});

test.each(["simple", "fields", "json"])("member list as %s", async (format) => {
  const list = await both(pair, async (subject) => {
    const { code, stdout, stderr } = await etcdctl(subject, 2, ["member", "list", "-w", format]);
    const anonymous = stdout.replace(/ENDPOINT\d/g, "ENDPOINT");
    return { code, lines: sorted(anonymous), stderr };
  });
  expect(list.code).toBe(0);
  if (format !== "simple") return;
  const member = "HEX, started, NAME, URL, ENDPOINT, false";
  expect(list.lines).toEqual(["", member, member, member]);
});

test("a cluster's endpoints are found from one member", async () => {
  await both(pair, async (subject) => {
    const { code, stdout, stderr } = await etcdctl(subject, 0, ["endpoint", "health", "--cluster"]);
    return { code, lines: sorted(stdout + stderr) };
  });
});

test.each(["list", "disarm"])("alarm %s, when there is none", async (action) => {
  const answer = await both(pair, async (subject) => {
    const { code, stdout, stderr } = await etcdctl(subject, 0, ["alarm", action]);
    return { code, stdout, stderr };
  });
  expect(answer).toEqual({ code: 0, stdout: "", stderr: "" });
});
