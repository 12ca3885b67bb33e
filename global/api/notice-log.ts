import { create } from "@bufbuild/protobuf";
import {
  type Notice,
  NoticeKind,
  NoticeSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_LOGGED_NOTICES } from "../../shared/limits.js";
import type { StateReader } from "../digest/global-state.js";
import type { RegionView } from "../digest/region-register.js";
import type { Incarnation } from "../digest/version.js";
import { versionMessage } from "./messages.js";
import type { ViewChange } from "./view-source.js";

/** How far a change goes: only a version, a section's groups or standing, or the whole region. */
export type Reach = "version" | "section" | "region";

interface SummaryMemory {
  readonly fingerprint: string;
  readonly root: string;
  readonly quarantined: boolean;
}

interface RegionMemory {
  incarnation: Incarnation;
  revision: number;
  inConflict: boolean;
  readonly summaries: Map<string, SummaryMemory>;
}

/**
 * What happened to regions and summaries, in order: the events that subscribers get
 * typed. One log serves all subscribers; each keeps its place in it by number.
 */
export class NoticeLog {
  readonly #state: StateReader;
  readonly #regions = new Map<string, RegionMemory>();
  readonly #notices: Notice[] = [];
  /** The number of the first notice that is still kept. */
  #first = 0;

  constructor(state: StateReader) {
    this.#state = state;
    for (const { region } of state.regions()) this.observe({ region, summary: undefined });
    this.#notices.length = 0;
  }

  /** The number that the next notice will have. */
  get end(): number {
    return this.#first + this.#notices.length;
  }

  /** The notices from a number on; undefined when some of them are no longer kept. */
  since(number: number): readonly Notice[] | undefined {
    return number < this.#first ? undefined : this.#notices.slice(number - this.#first);
  }

  /** Looks at what moved, logs what has happened to it, and tells how far that goes. */
  observe(change: ViewChange): Reach {
    const { region } = change;
    const register = this.#state.region(region);
    const memory = this.#regions.get(region);
    if (register === undefined) {
      if (memory === undefined) return "version";
      this.#regions.delete(region);
      this.#log(NoticeKind.FORGOTTEN, region, "", "the region was removed for good", memory);
      return "region";
    }
    const logged = this.end;
    const now = this.#observeRegion(register, memory);
    const whole = change.summary === undefined || this.end > logged;
    const names =
      change.summary === undefined
        ? [...register.sections()].map((section) => section.id.summary)
        : [change.summary];
    let moved = false;
    for (const summary of names) moved = this.#observeSummary(register, now, summary) || moved;
    if (whole) return "region";
    return moved ? "section" : "version";
  }

  #observeRegion(register: RegionView, memory: RegionMemory | undefined): RegionMemory {
    const { region, incarnation } = register;
    const inConflict = register.nonces.length > 1;
    let now = memory;
    if (now === undefined || now.incarnation.counter !== incarnation.counter) {
      now = { incarnation, revision: 0, inConflict: false, summaries: new Map() };
      this.#regions.set(region, now);
      if (memory !== undefined) {
        const text = `restored to revision ${incarnation.baseRevision} as incarnation ${incarnation.counter}`;
        this.#log(NoticeKind.RESTORE, region, "", text, memory, now);
      }
    }
    const wasInConflict = memory?.inConflict === true;
    now.inConflict = inConflict;
    if (inConflict && !wasInConflict) {
      const text = `several lives of the region claim incarnation ${incarnation.counter}; it is frozen at its last good state`;
      this.#log(NoticeKind.CONFLICT, region, "", text, now, now);
    } else if (wasInConflict && !inConflict) {
      this.#log(NoticeKind.HEALED, region, "", "the conflict has ended", now, now);
    }
    return now;
  }

  /** True when more than the version has moved. */
  #observeSummary(register: RegionView, memory: RegionMemory, summary: string): boolean {
    const { region } = register;
    const section = register.section(summary);
    if (section === undefined) return true;
    const { root } = section;
    const { fingerprint } = section.schema;
    const fault = register.fault(summary);
    const quarantined = fault?.quarantined === true;
    const before = memory.summaries.get(summary);
    memory.summaries.set(summary, { fingerprint, root, quarantined });
    const moved = before?.root !== root || before.quarantined !== quarantined;
    const earlier = { ...memory };
    memory.revision = Math.max(memory.revision, section.version.revision);
    if (quarantined && before?.quarantined !== true) {
      this.#log(NoticeKind.QUARANTINE, region, summary, fault?.message ?? "", earlier, memory);
    } else if (!quarantined && before?.quarantined === true) {
      this.#log(NoticeKind.HEALED, region, summary, "the quarantine has ended", earlier, memory);
    }
    if (before === undefined || before.fingerprint === fingerprint) return moved;
    if (section.schema.retired) {
      const text = "the region has deleted the summary";
      this.#log(NoticeKind.RETIRED, region, summary, text, earlier, memory);
    } else {
      const text = `the region publishes the definition of its revision ${section.version.definition}`;
      this.#log(NoticeKind.DEFINITION_CHANGE, region, summary, text, earlier, memory);
    }
    return moved;
  }

  #log(
    kind: NoticeKind,
    region: string,
    summary: string,
    message: string,
    before?: Pick<RegionMemory, "incarnation" | "revision">,
    now?: Pick<RegionMemory, "incarnation" | "revision">,
  ): void {
    const notice = create(NoticeSchema, {
      kind,
      region,
      summary,
      message,
      before: versionMessage(before?.incarnation, before?.revision ?? 0),
      now: versionMessage(now?.incarnation, now?.revision ?? 0),
    });
    this.#notices.push(notice);
    if (this.#notices.length > MAX_LOGGED_NOTICES) {
      this.#notices.shift();
      this.#first++;
    }
  }
}
