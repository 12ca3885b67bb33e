import type { BinaryKey } from "../../shared/bytes.js";
import type { MeasureKind, PackedKind } from "./cell.js";
import { mergeQuantiles, visitBins } from "./sketch/ddsketch.js";
import { mergeDistinct, visitRegisters } from "./sketch/hyperloglog.js";
import { checkDated, greatest } from "./values/chosen.js";
import { checkTop, mergeTops } from "./values/top.js";
import { checkValue } from "./values/value-code.js";
import { mergeSets, readSet } from "./values/value-set.js";

/** What is common to the kinds of packed cells. */
interface PackedRules {
  /** Throws INVALID_ARGUMENT, naming `where`, unless the bytes are canonical. */
  readonly check: (packed: BinaryKey, where: string) => void;
  /** The cell of all records of the parts together; at least one part. `limit` is the measure's. */
  readonly merge: (parts: readonly BinaryKey[], limit: number) => BinaryKey;
}

/** Each kind of packed cell. */
export const PACKED: Readonly<Record<PackedKind, PackedRules>> = {
  distinct: {
    check: (packed, where) => visitRegisters(packed, where, () => {}),
    merge: mergeDistinct,
  },
  quantiles: {
    check: (packed, where) => visitBins(packed, where, () => {}),
    merge: mergeQuantiles,
  },
  any: { check: checkValue, merge: greatest },
  latest: { check: checkDated, merge: greatest },
  set: { check: readSet, merge: mergeSets },
  top: { check: checkTop, merge: mergeTops },
};

/** Whether a measure's cells are packed. */
export function isPacked({ kind }: { readonly kind: MeasureKind }): boolean {
  return kind in PACKED;
}
