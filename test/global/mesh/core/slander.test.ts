import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { ReportBook } from "../../../../global/digest/report.js";
import { encodeVersion } from "../../../../global/digest/wire-version.js";
import { MeshCore } from "../../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../../global/mesh/core/now.js";
import { FreshnessBook } from "../../../../global/view/freshness-book.js";
import { SyncResponseSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import { MESH_BAD_FRAMES, QUARANTINE_AFTER_FAILURES } from "../../../../shared/limits.js";
import { seededRandom } from "../../../../shared/random.js";
import { usEast } from "../../digest/model.js";

/** Nonsense of a region is its section's fault only where nobody else brings the region. */

const NOW: Now = { monotonicMs: 1_000, ageMs: 1_000 };
const HONEST = "us-east:1";
const LIAR = "mars:1";

/** A gateway with streams from us-east and from mars, of which mars tells nonsense of us-east. */
function slandered(isHonestThere: boolean): GlobalState {
  const history = usEast();
  const state = new GlobalState(sha256);
  state.receive(history.whole(6));
  const core = new MeshCore({
    region: "home",
    gateway: "home-g0",
    foldSemantics: 1,
    directory: new Map([
      ["us-east", [HONEST]],
      ["mars", [LIAR]],
      ["home", []],
    ]),
    state,
    freshness: new FreshnessBook(state),
    reports: new ReportBook(),
    random: seededRandom(1),
  });
  core.tick(NOW);
  const say = (address: string, init: Parameters<typeof create<typeof SyncResponseSchema>>[1]) => {
    const session = core.links.get(address)?.session ?? 0;
    core.received(address, session, create(SyncResponseSchema, init), NOW);
  };
  const hello = (region: string) => ({
    hello: { protocolMin: 1, protocolMax: 1, foldSemantics: 1, region, gateway: `${region}-g0` },
  });
  if (isHonestThere) say(HONEST, hello("us-east"));
  say(LIAR, hello("mars"));
  core.links.get(LIAR)?.expect("us-east", Number.POSITIVE_INFINITY);
  const nonsense = { ...history.id, to: encodeVersion(history.version(7)), chunks: 1 };
  for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) say(LIAR, { chunks: [nonsense] });
  return state;
}

test("a section that another stream brings isn't quarantined by a third region's nonsense", () => {
  expect(MESH_BAD_FRAMES).toBeGreaterThan(QUARANTINE_AFTER_FAILURES);
  expect(slandered(true).region("us-east")?.fault("machines")).toBeUndefined();
});

test("one that nobody else brings is", () => {
  expect(slandered(false).region("us-east")?.fault("machines")?.quarantined).toBe(true);
});
