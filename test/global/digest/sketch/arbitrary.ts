import * as fc from "fast-check";
import { BINS } from "../../../../global/digest/sketch/bins.js";
import { packBins } from "../../../../global/digest/sketch/ddsketch.js";
import { packRegisters, REGISTERS } from "../../../../global/digest/sketch/hyperloglog.js";

/** Packed HyperLogLogs, from empty to full, listed and not. */
export const registers: fc.Arbitrary<string> = fc
  .record({
    few: fc.array(fc.tuple(fc.nat(REGISTERS - 1), fc.integer({ min: 1, max: 53 })), {
      maxLength: 40,
    }),
    /** Every nth register is filled, too. */
    every: fc.constantFrom(REGISTERS, REGISTERS, 1, 3, 4, 5),
  })
  .map(({ few, every }) => {
    const filled = new Uint8Array(REGISTERS);
    for (let index = every - 1; index < REGISTERS; index += every) {
      filled[index] = 1 + (index % 9);
    }
    for (const [index, rank] of few) filled[index] = rank;
    return packRegisters(filled);
  });

/** Packed DDSketches of at least one value. */
export const bins: fc.Arbitrary<string> = fc
  .uniqueArray(
    fc.tuple(
      fc.oneof(fc.integer({ min: -BINS, max: BINS }), fc.integer({ min: -3, max: 3 })),
      fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 45 })),
    ),
    { selector: ([bin]) => bin, minLength: 1, maxLength: 40 },
  )
  .map((counted) => {
    const sorted = counted.sort(([a], [b]) => a - b);
    return packBins(
      sorted.map(([bin]) => bin),
      sorted.map(([, count]) => count),
    );
  });
