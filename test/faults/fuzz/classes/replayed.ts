import { encodeHello } from "../../../../global/mesh/core/hello.js";
import { FOLD_SEMANTICS } from "../../../../global/summary/types.js";
import { groupKey } from "../../../global/digest/model.js";
import type { AttackClass } from "../attack.js";
import { attest, frameOf, inventSection, telling, wholeOf } from "../material.js";

/** What the region said long ago, with its true signature. */
export const replayedSections: AttackClass = ({ random, west }) => {
  const frames = Array.from({ length: 12 }, () => {
    const old = random.pick(west.past);
    return telling(wholeOf(old), attest(west.trust, [old]));
  });
  return { what: "old sections, truly signed", frames };
};

/** Frames of the same stream, said twice, and once more later. */
export const replayedFrames: AttackClass = ({ random }) => {
  const said: Uint8Array[] = [];
  return {
    what: "frames that come again",
    tamper: (frame) => {
      said.push(frame);
      return [frame, random.pick(said), frame];
    },
  };
};

/** Hellos and answers to pings again, and answers to pings that were never sent. */
export const replayedHellos: AttackClass = ({ random, west }) => {
  const self = {
    region: random.pick(["west", "north", "east", "mars"]),
    gateway: random.pick(["west-g0", "east-g0", "x"]),
    foldSemantics: FOLD_SEMANTICS,
    incarnation: west.incarnation,
  };
  const stamps = [0, -1, 1, 1e15, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return {
    what: "hellos in mid-stream, and stamps of no ping",
    frames: Array.from({ length: 8 }, (_, i) =>
      i % 2 === 0
        ? frameOf({ hello: encodeHello(self) })
        : frameOf({ echo: { stampMs: random.pick(stamps) } }),
    ),
  };
};

/** Revisions, definitions and rules that go back, unsigned and signed. */
export const goingBack: AttackClass = ({ random, west }) => {
  const { id, version } = west.section("machines");
  const groups = new Map([
    [groupKey("back"), west.section("machines").content.ranked(0)?.cells ?? []],
  ]);
  const frames = Array.from({ length: 8 }, () => {
    const to = {
      ...version,
      revision: random.pick([version.revision - 1, 2, 3]),
      definition: random.pick([1, 2]),
      foldSemantics: random.pick([1, 2]),
    };
    const back = inventSection(id, to, groups);
    const whole = wholeOf(back);
    const { root, changes } = whole;
    const delta = { kind: "delta" as const, id, to, from: to.revision - 1, changes, root };
    const isSigned = to.revision < version.revision - 1 && random.chance(0.5);
    const word = isSigned ? attest(west.trust, [back]) : undefined;
    return telling(random.chance(0.5) ? whole : delta, word);
  });
  return { what: "versions that go back", frames };
};
