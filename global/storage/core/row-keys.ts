import { ByteReader } from "../../digest/byte-reader.js";
import { ByteWriter } from "../../digest/byte-writer.js";
import type { GroupKey } from "../../digest/cell.js";

/**
 * The kinds of rows by the first byte of their keys, which is the order in which they are
 * read back: what others lean on comes first.
 *
 * | kind | the rest of the key | value |
 * |---|---|---|
 * | order | kind, region | atoll.digest.v1.Order |
 * | source | | KeptSource |
 * | region | region | KeptRegion |
 * | word | number | atoll.digest.v1.Attestation |
 * | section | slot | KeptSection |
 * | group | slot, group key | revision of the last change, then the cells; none when it is gone |
 */
const KINDS = ["order", "source", "region", "word", "section", "group"] as const;

export type RowKind = (typeof KINDS)[number];

/** What a row's key says. */
export type RowKey =
  | { readonly kind: "order" | "source" | "region" }
  /** Number of a word, slot of a section. */
  | { readonly kind: "word" | "section"; readonly number: number }
  | { readonly kind: "group"; readonly number: number; readonly group: GroupKey };

const writer = new ByteWriter();

function begin(kind: RowKind): void {
  writer.reset();
  writer.byte(KINDS.indexOf(kind));
}

/** A key that is named by texts. Valid until the next key. */
export function namedKey(kind: "order" | "source" | "region", ...names: string[]): Uint8Array {
  begin(kind);
  for (const name of names) writer.text(name);
  return writer.written();
}

/** A key that is named by a number; with kind "group", what all groups of a slot begin with. */
export function numberedKey(kind: "word" | "section" | "group", number: number): Uint8Array {
  begin(kind);
  writer.uint32(number);
  return writer.written();
}

/** The key of a group's row. Valid until the next key. */
export function groupRowKey(slot: number, group: GroupKey): Uint8Array {
  numberedKey("group", slot);
  writer.text(group);
  return writer.written();
}

/** Reads a key. Throws INVALID_ARGUMENT when it is of a kind that isn't known here. */
export function readRowKey(bytes: Uint8Array): RowKey {
  const reader = new ByteReader(bytes, "a row's key");
  const kind = KINDS[reader.byte()];
  switch (kind) {
    case "order":
    case "source":
    case "region":
      return { kind };
    case "word":
    case "section":
      return { kind, number: reader.uint32() };
    case "group":
      return { kind, number: reader.uint32(), group: reader.text() };
    default:
      return reader.fail("is of an unknown kind");
  }
}
