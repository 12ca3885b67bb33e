import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareVersions, sameLine, versionText } from "../../../global/digest/version.js";
import { incarnation, version } from "./model.js";

const versions = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.nat(2), fc.nat(2), fc.nat(2))
  .map(([counter, definition, revision, foldSemantics]) =>
    version(revision, { incarnation: incarnation(counter), definition, foldSemantics }),
  );

describe("versions", () => {
  test("are in total order", () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
        expect(compareVersions(a, a)).toBe(0);
      }),
    );
  });

  test("go by incarnation, definition, revision, fold semantics, in this order", () => {
    const ordered = [
      version(9, { foldSemantics: 1 }),
      version(9, { foldSemantics: 2 }),
      version(10, { foldSemantics: 1 }),
      version(3, { definition: 3 }),
      version(2, { incarnation: incarnation(2) }),
    ];
    for (let i = 1; i < ordered.length; i++) {
      const [before, after] = [ordered[i - 1], ordered[i]] as [
        (typeof ordered)[0],
        (typeof ordered)[0],
      ];
      expect(compareVersions(before, after)).toBeLessThan(0);
      expect(sameLine(before, after)).toBe(false);
    }
  });

  test("are named by incarnation, definition and revision", () => {
    expect(versionText(version(812))).toBe("1/2/812");
  });
});
