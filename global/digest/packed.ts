import type { BinaryKey } from "../../shared/bytes.js";
import type { PackedKind } from "./cell.js";
import { mergeQuantiles, visitBins } from "./sketch/ddsketch.js";
import { joinRegisters, mergeDistinct, REGISTERS } from "./sketch/hyperloglog.js";

/** What is common to the kinds of packed cells. */
interface PackedRules {
  /** Throws INVALID_ARGUMENT, naming `where`, unless the bytes are canonical. */
  readonly check: (packed: BinaryKey, where: string) => void;
  /** The cell of all records of the parts together; at least one part. */
  readonly merge: (parts: readonly BinaryKey[]) => BinaryKey;
}

/** Each kind of packed cell. */
export const PACKED: Readonly<Record<PackedKind, PackedRules>> = {
  distinct: {
    check: (packed, where) => joinRegisters(new Uint8Array(REGISTERS), packed, where),
    merge: mergeDistinct,
  },
  quantiles: {
    check: (packed, where) => visitBins(packed, where, () => {}),
    merge: mergeQuantiles,
  },
};
