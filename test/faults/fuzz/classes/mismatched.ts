import type { Cell, GroupKey } from "../../../../global/digest/cell.js";
import type { Schema } from "../../../../global/digest/section.js";
import { cells, groupKey, OTHER_SCHEMA, SCHEMA } from "../../../global/digest/model.js";
import type { AttackClass } from "../attack.js";
import { attest, chunksOf, inventSection, telling, wholeOf } from "../material.js";

const ROW = cells(3);

/** A schema and cells that don't go together. */
const MISFITS: readonly [string, Schema, readonly Cell[]][] = [
  ["a cell too few", SCHEMA, ROW.slice(1)],
  ["a cell too many", SCHEMA, [...ROW, ROW[0] as Cell]],
  ["no cells", SCHEMA, []],
  ["kinds exchanged", SCHEMA, [ROW[1] as Cell, ROW[0] as Cell, ...ROW.slice(2)]],
  ["other kinds", { ...SCHEMA, measures: [...SCHEMA.measures].reverse() }, ROW],
];

/** Content that isn't of the definition that it claims; signed by the region itself. */
export const misfitCells: AttackClass = ({ random, west }) => {
  const { id, version } = west.section("machines");
  const to = { ...version, revision: west.revision + 1 };
  const [what, schema, row] = random.pick(MISFITS);
  const section = inventSection(
    id,
    to,
    new Map<GroupKey, readonly Cell[]>([[groupKey("a"), row]]),
    schema,
  );
  const frame = telling(wholeOf(section), attest(west.trust, [section]));
  return { what: `${what}, signed`, frames: [frame], shows: "refusal" };
};

/** The section that is there under another definition's name, fingerprint or rules. */
export const otherDefinition: AttackClass = ({ random, west }) => {
  const { id, version, content } = west.section("machines");
  const to = { ...version, revision: west.revision + 1 };
  const groups = new Map([...content.leaves()].map((leaf) => [leaf.key, leaf.cells] as const));
  const plans: [string, Schema, object][] = [
    ["another fingerprint", OTHER_SCHEMA, {}],
    ["another rule of folding", SCHEMA, { foldSemantics: 7 }],
    ["a later definition", SCHEMA, { definition: west.revision + 1 }],
    ["other measures", { ...SCHEMA, measures: SCHEMA.measures.toSpliced(0, 1) }, {}],
  ];
  const [what, schema, more] = random.pick(plans);
  const whole = wholeOf(inventSection(id, { ...to, ...more }, groups, schema));
  const truth = inventSection(id, { ...to, ...more }, groups, SCHEMA);
  // The root is that of the true schema, so that only the schema lies.
  const chunks = chunksOf({ ...whole, root: truth.root });
  const word = attest(west.trust, [truth]);
  const lies = what === "another fingerprint" || what === "other measures";
  return lies
    ? { what, frames: [telling(chunks, word)], shows: "refusal" }
    : { what: `${what}, unsigned`, frames: [telling(chunks)], shows: "refusal" };
};
