import type { AttackClass } from "./attack.js";
import { brokenDeflate, gzipBombs, manyBombs, ratioBombs } from "./classes/bombs.js";
import { disorderedChunks, endlessTransfers, hoardedTransfers } from "./classes/chunks.js";
import { mixedDifferences, strayDifferences, wrongDifferences } from "./classes/differences.js";
import { flood } from "./classes/floods.js";
import {
  forgedLives,
  forgedSections,
  forgedWords,
  signedContradiction,
  signedJump,
} from "./classes/forged.js";
import { liesInHello, noHello } from "./classes/hellos.js";
import { damagedBytes, noFrame, spoiltFields, spoiltOnTheWay } from "./classes/malformed.js";
import { misfitCells, otherDefinition } from "./classes/mismatched.js";
import {
  hugeCounts,
  longNames,
  oversizeFrames,
  oversizeParts,
  oversizeSection,
} from "./classes/oversize.js";
import { forgedOrders, forgedReports } from "./classes/papers.js";
import { goingBack, replayedFrames, replayedHellos, replayedSections } from "./classes/replayed.js";
import { hostileRequests, silentStreams } from "./classes/requests.js";
import { inventedRegions, lyingClaims, lyingStandings, slander } from "./classes/vectors.js";

/** All kinds of attacks, by the name that `--class` takes. */
export const CLASSES: ReadonlyMap<string, AttackClass> = new Map([
  ["damaged-bytes", damagedBytes],
  ["no-frame", noFrame],
  ["spoilt-fields", spoiltFields],
  ["spoilt-on-the-way", spoiltOnTheWay],
  ["disordered-chunks", disorderedChunks],
  ["endless-transfers", endlessTransfers],
  ["hoarded-transfers", hoardedTransfers],
  ["oversize-frames", oversizeFrames],
  ["oversize-parts", oversizeParts],
  ["oversize-section", oversizeSection],
  ["huge-counts", hugeCounts],
  ["long-names", longNames],
  ["forged-sections", forgedSections],
  ["forged-lives", forgedLives],
  ["forged-words", forgedWords],
  ["signed-jump", signedJump],
  ["signed-contradiction", signedContradiction],
  ["replayed-sections", replayedSections],
  ["replayed-frames", replayedFrames],
  ["replayed-hellos", replayedHellos],
  ["going-back", goingBack],
  ["misfit-cells", misfitCells],
  ["other-definition", otherDefinition],
  ["wrong-differences", wrongDifferences],
  ["stray-differences", strayDifferences],
  ["mixed-differences", mixedDifferences],
  ["ratio-bombs", ratioBombs],
  ["many-bombs", manyBombs],
  ["broken-deflate", brokenDeflate],
  ["gzip-bombs", gzipBombs],
  ["lies-in-hello", liesInHello],
  ["no-hello", noHello],
  ["lying-standings", lyingStandings],
  ["invented-regions", inventedRegions],
  ["lying-claims", lyingClaims],
  ["slander", slander],
  ["forged-orders", forgedOrders],
  ["forged-reports", forgedReports],
  ["flood", flood],
  ["hostile-requests", hostileRequests],
  ["silent-streams", silentStreams],
]);
