import type { GlobalApi } from "../api/global-api.js";
import type { GlobalState } from "../digest/global-state.js";
import type { MeshCore } from "../mesh/core/mesh-core.js";
import type { LocalRegion } from "./local-region.js";
import type { GatewayReadings } from "./metrics.js";

export interface ReadingsInput {
  readonly state: GlobalState;
  readonly core: MeshCore;
  readonly local: LocalRegion;
  readonly api: GlobalApi;
  readonly ageNowMs: () => number;
}

function* sectionsOf(state: GlobalState) {
  for (const register of state.regions()) {
    for (const section of register.sections()) if (!section.schema.retired) yield section;
  }
}

/** What a scrape of the metrics reads of a gateway's parts. */
export function readingsOf({ state, core, local, api, ageNowMs }: ReadingsInput): GatewayReadings {
  return {
    *ages() {
      const now = ageNowMs();
      for (const region of core.book.regions()) {
        const ageMs = core.book.ageMs(region, now);
        yield [region, ageMs === undefined ? undefined : ageMs / 1000] as const;
      }
    },
    get sections() {
      return [...sectionsOf(state)].length;
    },
    get groups() {
      let groups = 0;
      for (const section of sectionsOf(state)) groups += section.content.size;
      return groups;
    },
    get quarantined() {
      let quarantined = 0;
      for (const { id } of sectionsOf(state)) {
        if (state.region(id.region)?.fault(id.summary)?.quarantined === true) quarantined++;
      }
      return quarantined;
    },
    get links() {
      return [...core.links.values()].filter((link) => link.state === "up").length;
    },
    get listeners() {
      return core.listeners().length;
    },
    get subscriptions() {
      return api.subscriptions;
    },
    get slowSubscriptions() {
      return api.slowSubscriptions;
    },
    get subscriptionBooks() {
      return api.subscriptionBooks;
    },
    get waits() {
      return api.waits;
    },
    get revision() {
      return local.revision;
    },
    get sourceState() {
      return local.status.state;
    },
    get hasTrouble() {
      const { status } = local;
      if (status.state === "refused") return true;
      return (status.state === "connecting" ? status.error : status.trouble) !== undefined;
    },
    get firstReadKeys() {
      return local.firstRead.keys;
    },
    get firstReadExpected() {
      return local.firstRead.expected;
    },
    get skipped() {
      return local.summaries().reduce((sum, { skipped }) => sum + skipped, 0);
    },
  };
}
