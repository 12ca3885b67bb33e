import { beforeEach, expect, test } from "vitest";
import type { Link } from "../../../../global/mesh/core/link.js";
import { shortcut } from "../../../../global/mesh/core/shortcut.js";
import { MESH_LINK_SUSPECT_MS } from "../../../../shared/limits.js";
import { linkTo as peerLink, START, says } from "./peer-links.js";

let direct: Link;
let links: Link[];

function linkTo(region: string, rttMs: number | undefined): Link {
  const link = peerLink(region, rttMs);
  links.push(link);
  return link;
}

function chosen(current?: string, now = START): string | undefined {
  return shortcut("away", "home", direct, links, current, now)?.address;
}

beforeEach(() => {
  links = [];
  direct = linkTo("away", 300);
  says(direct, undefined, ["away"]);
});

test("the fastest way by a third region is taken", () => {
  says(linkTo("slow", 100), 120, ["slow", "away"]);
  says(linkTo("fast", 100), 90, ["fast", "away"]);
  expect(chosen()).toBe("fast:1");
});

test("a way that is hardly faster isn't worth it, but is kept", () => {
  says(linkTo("third", 100), 180, ["third", "away"]);
  expect(chosen()).toBeUndefined();
  expect(chosen("third:1")).toBe("third:1");
});

test("another way must be faster by some to replace the one in use", () => {
  says(linkTo("used", 100), 100, ["used", "away"]);
  const other = linkTo("other", 100);
  says(other, 90, ["other", "away"]);
  expect(chosen("used:1")).toBe("used:1");
  says(other, 60, ["other", "away"]);
  expect(chosen("used:1")).toBe("other:1");
});

test.each<[string, (link: Link) => void]>([
  ["that leads back here", (link) => says(link, 10, ["third", "home", "away"])],
  ["on which nothing comes", (link) => says(link, 10, [])],
  ["whose second half nobody measured", (link) => says(link, undefined, ["third", "away"])],
  [
    "whose first half isn't measured",
    (link) => {
      says(link, 10, ["third", "away"]);
      link.rttMs = undefined;
    },
  ],
])("a way %s is none", (_, spoil) => {
  spoil(linkTo("third", 10));
  expect(chosen()).toBeUndefined();
});

test("a peer that has fallen silent is no way", () => {
  says(linkTo("third", 10), 10, ["third", "away"]);
  expect(chosen()).toBe("third:1");
  expect(chosen("third:1", { ...START, monotonicMs: MESH_LINK_SUSPECT_MS })).toBeUndefined();
});

test("while the straight way isn't measured there is nothing to compare with", () => {
  says(linkTo("third", 10), 10, ["third", "away"]);
  direct.rttMs = undefined;
  expect(chosen()).toBeUndefined();
});
