import type { Section } from "../../../../global/digest/section.js";
import { type Trust, UNSIGNED } from "../../../../global/digest/trust.js";
import type { Version } from "../../../../global/digest/version.js";
import { encodeAttestation } from "../../../../global/digest/wire-trust.js";
import { cells, groupKey, OTHER_SCHEMA } from "../../../global/digest/model.js";
import type { Arms, AttackClass } from "../attack.js";
import { attest, frameOf, inventSection, telling, wholeOf, wordFor } from "../material.js";

/** A section that its region never published. */
function invented(
  { random, west }: Arms,
  more: Partial<Version> = {},
  region = west.region,
): Section {
  const { version } = west.section("machines");
  const to = { ...version, revision: west.revision + 1 + random.int(9), ...more };
  const groups = new Map([[groupKey("forged"), cells(random.int(999))]]);
  return inventSection({ region, summary: "machines" }, to, groups);
}

/** Signs with one's own key in the name of another. */
function thief(own: Trust, claimed: Trust): Trust {
  const { keyId } = claimed.sign(new Uint8Array(0));
  return { ...UNSIGNED, sign: (bytes) => ({ ...own.sign(bytes), keyId }) };
}

/** What somebody says who has no key of the region. */
export const forgedSections: AttackClass = (arms) => {
  const { random, west, north, keysOf } = arms;
  const section = invented(arms);
  const whole = wholeOf(section);
  const now = west.section("machines");
  const plans: [string, Uint8Array][] = [
    ["unsigned", telling(whole)],
    ["with an empty signature", telling(whole, attest(UNSIGNED, [section]))],
    ["signed by another region", telling(whole, attest(keysOf("north"), [section]))],
    ["signed in its name", telling(whole, attest(thief(keysOf("north"), west.trust), [section]))],
    ["with its word for another version", telling(whole, wordFor(west, "machines"))],
    [
      "with its word for another section",
      telling(
        { ...wholeOf(west.section("quiet")), id: section.id, to: section.version },
        wordFor(west, "quiet"),
      ),
    ],
    [
      "with its word, changed",
      telling(whole, {
        ...attest(west.trust, [now]),
        sections: attest(UNSIGNED, [section]).sections,
      }),
    ],
    [
      "with another root",
      telling({ ...whole, root: "x".repeat(32) }, attest(west.trust, [section])),
    ],
    [
      "with a signature that is cut",
      telling(whole, {
        ...attest(west.trust, [section]),
        signature: attest(west.trust, [section]).signature.subarray(1),
      }),
    ],
    ["of the gateway's own region", telling(wholeOf(invented(arms, {}, "east")))],
    ["of a region that isn't asked for", telling(wholeOf(invented(arms, {}, "mars")))],
    [
      "of an honest region",
      telling(wholeOf(invented(arms, { incarnation: north.incarnation }, "north"))),
    ],
  ];
  const [what, frame] = random.pick(plans);
  return { what: `a section ${what}`, frames: [frame, frame, frame, frame], shows: "refusal" };
};

/** Lives of the region that come out of turn, or that claim another one's place. */
export const forgedLives: AttackClass = (arms) => {
  const { random, west, keysOf } = arms;
  const life = (counter: number) => ({
    incarnation: { ...west.incarnation, counter, nonce: random.pick(["a", "b", "c"]).repeat(32) },
  });
  const liar = keysOf("north");
  const [what, section] = random.pick([
    ["a life out of turn", invented(arms, life(2 + random.int(2 ** 40)))] as const,
    ["the next life", invented(arms, life(2))] as const,
    ["a second first life", invented(arms, life(1))] as const,
  ]);
  const words = [attest(liar, [section]), attest(UNSIGNED, [section])];
  return {
    what: `${what}, not signed by the region`,
    frames: words.flatMap((word) => [telling(wholeOf(section), word), telling([], word)]),
    shows: "refusal",
  };
};

/** A region whose own keys sign a jump: nothing of it is taken until an operator says so. */
export const signedJump: AttackClass = (arms) => {
  const { west, random } = arms;
  const incarnation = { ...west.incarnation, counter: 3 + random.int(1e6), nonce: "7".repeat(32) };
  const section = invented(arms, { incarnation });
  const word = attest(west.trust, [section]);
  return {
    what: "a signed life out of turn",
    frames: [telling(wholeOf(section), word)],
    shows: "quarantine",
  };
};

/** Words for the gateway's own region, and for regions that it has never heard of. */
export const forgedWords: AttackClass = (arms) => {
  const { random, keysOf } = arms;
  const section = invented(arms, { revision: 1e9 }, random.pick(["east", "north", "mars"]));
  const lineage = { counter: 1e9, nonce: "ab".repeat(8), revision: 1e9 };
  const trust = random.pick([keysOf("west"), UNSIGNED, thief(keysOf("west"), keysOf("east"))]);
  const attestations = Array.from({ length: 20 }, () =>
    encodeAttestation(attest(trust, [section], lineage)),
  );
  return { what: `forged words of ${section.id.region}`, frames: [frameOf({ attestations })] };
};

/** What is said by the region's own keys and contradicts what it said before. */
export const signedContradiction: AttackClass = ({ random, west }) => {
  const published = west.past.filter(({ id }) => id.summary === "machines");
  const before = published.at(-2);
  if (before === undefined) throw new Error("the region has published before");
  const { id, version } = before;
  const other = random.pick([
    inventSection(id, version, new Map([[groupKey("other"), cells(5)]])),
    inventSection(id, version, new Map(), OTHER_SCHEMA),
  ]);
  const word = attest(west.trust, [other]);
  return {
    what: "another content at the version that is held, signed",
    frames: [telling(wholeOf(other), word)],
    shows: "quarantine",
  };
};
