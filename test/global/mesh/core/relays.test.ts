import { beforeEach, expect, test } from "vitest";
import type { Link } from "../../../../global/mesh/core/link.js";
import { Relays } from "../../../../global/mesh/core/relays.js";
import { MESH_LINK_SUSPECT_MS, MESH_VECTOR_INTERVAL_MS } from "../../../../shared/limits.js";
import { linkTo, START, says } from "./peer-links.js";

/** Who is asked for the news of `away` while the straight way from there fails. */

const NOW_MS = 10_000;

let relays: Relays;
let links: Link[];

/** A peer that has `away` by a straight way of its own, as of when. */
function relay(region: string, rttMs: number | undefined, asOfMs: number, beyondMs = 100): Link {
  const link = linkTo(region, rttMs);
  says(link, beyondMs, [region, "away"], asOfMs);
  links.push(link);
  return link;
}

function asked(direct?: string, now = START): string | undefined {
  return relays.ask("away", direct, links, now);
}

beforeEach(() => {
  relays = new Relays("home");
  links = [];
});

test("of those who are as fresh, the one is asked by which news come fastest", () => {
  relay("freshest", 200, NOW_MS);
  relay("nearest", 50, NOW_MS - MESH_VECTOR_INTERVAL_MS, 300);
  relay("fastest", 80, NOW_MS - MESH_VECTOR_INTERVAL_MS);
  expect(asked()).toBe("fastest:1");
});

test("one that is older than words differ by has lost its way, too", () => {
  relay("lost", 10, NOW_MS - MESH_VECTOR_INTERVAL_MS - 1);
  relay("far", 300, NOW_MS);
  expect(asked()).toBe("far:1");
});

test("nobody is asked who has no way, whose way leads through here, or who is the straight one", () => {
  const none = linkTo("none", 10);
  says(none, undefined, [], NOW_MS);
  relay("straight", 10, NOW_MS);
  const back = linkTo("back", 10);
  says(back, 10, ["back", "home", "away"], NOW_MS);
  const unknown = linkTo("unknown", 10);
  says(unknown, 10, ["unknown", "away"], "unknown");
  links.push(none, back, unknown);
  expect(asked("straight:1")).toBeUndefined();
  relay("third", undefined, NOW_MS);
  expect(asked("straight:1")).toBe("third:1");
  expect(asked("straight:1", { monotonicMs: MESH_LINK_SUSPECT_MS, ageMs: 0 })).toBeUndefined();
});

test("the one in use is kept until another is faster by some, or it falls behind", () => {
  const used = relay("used", 100, NOW_MS);
  expect(asked()).toBe("used:1");
  const other = relay("other", 90, NOW_MS);
  expect(asked()).toBe("used:1");
  other.rttMs = 50;
  expect(asked()).toBe("other:1");
  relays.leave("away");
  other.rttMs = 90;
  used.rttMs = 89;
  expect(asked()).toBe("used:1");
  says(other, 100, ["other", "away"], NOW_MS + 5_000);
  expect(asked()).toBe("other:1");
});
