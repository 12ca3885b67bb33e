import { encodeClaim, encodeVersion } from "../../../../global/digest/wire-version.js";
import { encodeStanding } from "../../../../global/mesh/core/wire-standing.js";
import type { AttackClass } from "../attack.js";
import { frameOf } from "../material.js";

/** Tells of having what nobody has, of all regions and of such as don't exist. */
export const lyingStandings: AttackClass = ({ random, west, north }) => {
  const region = random.pick(["west", "north", "east", "mars"]);
  const lives = [west.incarnation, north.incarnation, { ...north.incarnation, counter: 2 ** 40 }];
  const lie = () =>
    encodeStanding({
      region: region === "mars" ? `mars-${random.int(1e6)}` : region,
      incarnation: random.pick(lives),
      revision: random.pick([0, 5, 2 ** 53 - 1]),
      sections: random.pick([0, 1, 2, 1_024]),
      ageMs: random.pick([0, 1e12, undefined]),
      path: random.pick([[], ["west"], ["west", region], ["west", "east", region]]),
      rttMs: random.pick([0, 1e9, undefined]),
    });
  const frames = Array.from({ length: 10 }, () =>
    frameOf({ echo: { stampMs: random.int(5_000) }, standings: [lie(), lie(), lie()] }),
  );
  return { what: `lies about having ${region}`, frames };
};

/** Very many regions that don't exist. */
export const inventedRegions: AttackClass = ({ random, west }) => {
  const { incarnation } = west;
  const frames = Array.from({ length: 20 }, () =>
    frameOf({
      echo: { stampMs: random.int(5_000) },
      standings: Array.from({ length: 500 }, () =>
        encodeStanding({
          region: `r${random.int(1e9)}`,
          incarnation,
          revision: 7,
          sections: random.int(2),
          ageMs: 0,
          path: ["west", "mars"],
          rttMs: undefined,
        }),
      ),
    }),
  );
  return { what: "10,000 regions that don't exist", frames };
};

/** Claims other roots and versions of all that there is. */
export const lyingClaims: AttackClass = ({ random, west, north }) => {
  const claims = Array.from({ length: 300 }, () => {
    const { id, version, root } = random.pick([...west.past.slice(-4), ...north.past.slice(-4)]);
    const wrong = random.chance(0.5) ? "x".repeat(32) : root;
    const revision = random.pick([version.revision, version.revision - 1, 2 ** 53 - 1]);
    const counter = random.pick([1, 1, 2, 2 ** 40]);
    const nonce = random.pick([version.incarnation.nonce, "9".repeat(32)]);
    const incarnation = { ...version.incarnation, counter, nonce };
    return encodeClaim({ id, version: { ...version, incarnation, revision }, root: wrong });
  });
  return { what: "a version vector of lies", frames: [frameOf({ claims })] };
};

const ASKED_MS = 5_000;
const LOOK_MS = 20;

/** Says that it has more of an honest region, is asked for it, and then brings nonsense of it. */
export const slander: AttackClass = ({ north, asked }) => ({
  what: "nonsense of an honest region, after a promise of more",
  act: async (say) => {
    const { id, version } = north.section("machines");
    const standing = encodeStanding({
      region: "north",
      incarnation: north.incarnation,
      revision: north.revision + 1_000,
      sections: 2,
      ageMs: 0,
      path: ["west", "north"],
      rttMs: 1,
    });
    await say(frameOf({ standings: [standing] }));
    const giveUpAt = performance.now() + ASKED_MS;
    while (!asked.has("north")) {
      if (performance.now() > giveUpAt) throw new Error("it never asked for more of north");
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const nonsense = { ...id, to: encodeVersion(version), root: new Uint8Array(3), chunks: 1 };
    // A true frame between keeps the stream from being ended.
    const truth = frameOf({ claims: [encodeClaim(north.section("machines"))] });
    for (let i = 0; i < 6; i++) await say(frameOf({ chunks: [nonsense] }), truth);
  },
  shows: "refusal",
});
