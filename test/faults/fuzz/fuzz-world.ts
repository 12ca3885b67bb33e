import { toHex } from "../../../global/digest/hash.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import { FrameWriter } from "../../../global/mesh/core/frame-writer.js";
import { NoticeKind, RegionStatus } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { type Random, seededRandom } from "../../../shared/random.js";
import { TestKeys } from "../../global/trust/keys.js";
import { httpOk } from "../../peers/child.js";
import type { Attack, AttackClass } from "./attack.js";
import { Origin, SUMMARIES } from "./origin.js";
import { Peer } from "./peer.js";
import { HOME, Victim } from "./victim.js";

const WAIT_MS = 20_000;
const LOOK_MS = 20;
/**
 * What the gateway's process may come to, in bytes. It begins with 130 MiB; a peer can make
 * it gather 200 MiB, and V8 takes its time to collect what came before.
 */
const MOST_MEMORY = 1_280 * 1024 * 1024;
/** What a put may take while the gateway is attacked, in ms; the machine may be busy otherwise. */
const MOST_PUT_MS = 2_000;
/** Lines that the gateway may log of one attack. */
const MOST_LINES = 300;
/** Writes whose frames an attack may tamper with. */
const TAMPERED_WRITES = 3;
const TAMPERED_PAUSE_MS = 60;

/** What was seen of the gateway before an attack. */
interface Before {
  readonly refused: number;
  readonly ended: number;
  readonly throttled: number;
  readonly quarantines: number;
  readonly groups: string;
  readonly revision: number;
  readonly logged: number;
}

/**
 * A real gateway with a real member between two regions of the test's own: west, whose
 * gateway does what an attack says, and north, which is honest throughout.
 */
export class FuzzWorld {
  readonly victim: Victim;
  readonly #keys: TestKeys;
  readonly #west: Peer;
  readonly #north: Peer;
  #shownQuarantines = 0;

  private constructor(victim: Victim, keys: TestKeys, west: Peer, north: Peer) {
    this.victim = victim;
    this.#keys = keys;
    this.#west = west;
    this.#north = north;
  }

  static async start(): Promise<FuzzWorld> {
    const keys = new TestKeys([HOME, "north", "west"]);
    const peers: Peer[] = [];
    for (const [region, digit] of [
      ["west", "e"],
      ["north", "f"],
    ] as const) {
      const origin = new Origin(region, digit.repeat(32), keys.keyring(region));
      origin.write(seededRandom(1));
      peers.push(await Peer.start(origin));
    }
    const [west, north] = peers as [Peer, Peer];
    const addresses = new Map(peers.map(({ origin, addresses: at }) => [origin.region, at]));
    const victim = await Victim.start(addresses, keys.files);
    const world = new FuzzWorld(victim, keys, west, north);
    await Promise.all(peers.map((peer) => world.#isExact(peer)));
    return world;
  }

  /**
   * Attacks once, as the seed says, and checks that nothing was hurt. Throws what was;
   * `tell` is told before what is done.
   */
  async run(
    attackClass: AttackClass,
    seed: number,
    tell: (what: string) => void = () => {},
  ): Promise<void> {
    const random = seededRandom(seed);
    const { origin } = this.#west;
    const before = await this.#look();
    this.#west.isPaused = true;
    this.#west.asked.clear();
    const moved = origin.write(random);
    const attack = attackClass({
      random,
      west: origin,
      north: this.#north.origin,
      keysOf: (region) => this.#keys.keyring(region),
      asked: this.#west.asked,
      target: this.victim.gateway.address.grpc,
    });
    tell(attack.what);
    try {
      await this.#carryOut(attack, random);
      await this.#shows(attack, before);
      await this.#unhurt(before);
      await this.#mend(random, moved);
    } finally {
      this.#west.tamper = undefined;
      this.#west.isPaused = false;
    }
  }

  async #look(): Promise<Before> {
    const { victim } = this;
    const [refused, throttled, ended, view, held] = await Promise.all([
      victim.metric("mesh_refused_total"),
      victim.metric("mesh_throttled_total"),
      victim.metric("mesh_events_total", 'kind="link-down"'),
      victim.view("west", "machines"),
      victim.holdings("west"),
    ]);
    const quarantines = victim.notices(NoticeKind.QUARANTINE, "west").length;
    const revision = held.get("machines")?.revision ?? 0;
    return {
      refused,
      throttled,
      ended,
      quarantines,
      groups: view.groups,
      revision,
      logged: victim.logged,
    };
  }

  async #carryOut({ frames, raw, tamper, redials, act }: Attack, random: Random): Promise<void> {
    const west = this.#west;
    if (frames !== undefined) await west.inject(frames);
    if (raw !== undefined) await west.inject(raw, false);
    if (tamper !== undefined) {
      west.tamper = tamper;
      west.isPaused = false;
      if (redials === true) west.hangUp();
      for (let i = 0; i < TAMPERED_WRITES; i++) {
        west.moved(west.origin.write(random));
        await pause(TAMPERED_PAUSE_MS);
      }
      west.isPaused = true;
    }
    await act?.((...more) => west.inject(more));
    // A ping that comes now was sent after what was said, or the stream is no more.
    const { pings, listeners } = west;
    if (listeners === 0) return;
    await until("the gateway pings, or ends the stream", async () => {
      return west.pings !== pings || west.listeners === 0;
    });
  }

  async #shows({ shows }: Attack, before: Before): Promise<void> {
    const { victim } = this;
    if (shows === undefined) return;
    if (shows === "ended stream") {
      await until("it ends the stream and counts that", async () => {
        return (await victim.metric("mesh_events_total", 'kind="link-down"')) > before.ended;
      });
      return;
    }
    if (shows === "throttling") {
      await until("it makes the peer wait and counts that", async () => {
        return (await victim.metric("mesh_throttled_total")) > before.throttled;
      });
      return;
    }
    await until("it refuses something and counts that", async () => {
      return (await victim.metric("mesh_refused_total")) > before.refused;
    });
    if (shows !== "quarantine") return;
    await until("subscribers hear of the quarantine", async () => {
      return victim.notices(NoticeKind.QUARANTINE, "west").length > before.quarantines;
    });
    await until("the quarantine is told, and counted", async () => {
      const { status } = (await victim.regions()).get("west") ?? { status: undefined };
      const counted = await victim.metric("quarantined_sections");
      return status === RegionStatus.QUARANTINED && counted > 0;
    });
    this.#shownQuarantines++;
  }

  /** What must be so whatever came: the last good view, everything else, and the process itself. */
  async #unhurt(before: Before): Promise<void> {
    const { victim } = this;
    const north = this.#north;
    north.moved(north.origin.write(seededRandom(north.origin.revision)));
    const putMs = await victim.write();
    check(putMs < MOST_PUT_MS, `a put took ${putMs} ms`);
    await this.#isExact(north);
    await this.#hasOnlyPublished();
    const held = await victim.holdings("west");
    const view = await victim.view("west", "machines");
    if (held.get("machines")?.revision === before.revision) {
      check(view.groups === before.groups, `the view changed to ${view.groups}`);
    }
    const lines = victim.logged - before.logged;
    check(lines <= MOST_LINES, `it logged ${lines} lines of it`);
    await this.#knowsOnlyTrueRegions();
    await this.#believesNoReport();
    const slandered = victim.notices(NoticeKind.QUARANTINE, "north").length;
    check(slandered === 0, "an honest region was quarantined");
    await this.#processIsWell();
  }

  /** What a region is for, and that its definition is wrong, only the region itself can say. */
  async #believesNoReport(): Promise<void> {
    const said = await this.victim.reported();
    check(!/evacuated|forged/.test(said), `it believes a report: ${said}`);
  }

  /** Regions that are made up are not shown, not measured, and not asked for from others. */
  async #knowsOnlyTrueRegions(): Promise<void> {
    const { victim } = this;
    const known = [...(await victim.regions()).keys()].sort().join();
    check(known === `${HOME},north,west`, `it tells of the regions ${known}`);
    const aged = await victim.series("region_age_seconds");
    check(aged <= 3, `it measures the ages of ${aged} regions`);
    const asked = [...this.#north.asked].filter((one) => ![HOME, "north", "west"].includes(one));
    check(asked.length === 0, `it asks north for ${asked.length} regions that don't exist`);
  }

  async #hasOnlyPublished(): Promise<void> {
    for (const peer of [this.#west, this.#north]) {
      const { region } = peer.origin;
      for (const [summary, { revision, root }] of await this.victim.holdings(region)) {
        const isTrue = peer.origin.hasPublished(summary, revision, root);
        check(isTrue, `it holds ${summary} of ${region} at ${revision} with the root ${root}`);
      }
    }
  }

  async #processIsWell(): Promise<void> {
    const { victim } = this;
    check(!victim.gateway.child.hasExited, `it ended:\n${victim.gateway.child.output()}`);
    check(victim.errors.length === 0, `it logged ${victim.errors.join("\n")}`);
    check((await victim.metric("internal_errors_total")) === 0, "it counts an internal error");
    const { most } = await victim.memory();
    check(most < MOST_MEMORY, `it came to ${Math.round(most / 2 ** 20)} MiB of memory`);
    const member = victim.region.members[0]?.http ?? "";
    check(await httpOk(`http://${member}/health`), "its member isn't healthy");
    check((await victim.memberMetric("has_leader")) === 1, "its member has no leader");
    check((await victim.memberMetric("leader_changes_total")) <= 1, "its member lost its leader");
  }

  /** The source is honest again: what it says is taken, and the end of a quarantine is told. */
  async #mend(random: Random, moved: ReturnType<Origin["write"]>): Promise<void> {
    const west = this.#west;
    west.tamper = undefined;
    if (west.listeners > 0) await this.#isQuietUnhurt();
    if (random.chance(0.3)) west.hangUp();
    west.isPaused = false;
    west.moved(moved);
    west.moved(west.origin.write(random));
    await this.#isExact(west);
    await until("no quarantine is left", async () => {
      const [begun, ended] = [NoticeKind.QUARANTINE, NoticeKind.HEALED].map(
        (kind) => this.victim.notices(kind, "west").length,
      );
      return begun === ended && (await this.victim.metric("quarantined_sections")) === 0;
    });
    await until("west is fresh", async () => {
      return (await this.victim.regions()).get("west")?.status === RegionStatus.FRESH;
    });
  }

  /** The other section of the region that attacked goes on, as long as it comes at all. */
  async #isQuietUnhurt(): Promise<void> {
    const west = this.#west;
    const id = west.origin.id("quiet");
    const word = west.origin.state.words.of(id);
    const frame = new FrameWriter();
    for (const chunk of encodeTransfer(west.origin.transfer("quiet"))) frame.chunk(chunk);
    if (word !== undefined) frame.attestation(word);
    await west.inject([frame.finish()]);
    const { revision } = west.origin.section("quiet").version;
    await until("the other section goes on, or the stream ends", async () => {
      const held = await this.victim.holdings("west");
      return held.get("quiet")?.revision === revision || west.listeners === 0;
    });
  }

  /** Resolves when the gateway has exactly what a region has published last. */
  async #isExact({ origin }: Peer): Promise<void> {
    await until(`${origin.region} at ${origin.revision} is held exactly`, async () => {
      const held = await this.victim.holdings(origin.region);
      return SUMMARIES.every((summary) => {
        const { version, root } = origin.section(summary);
        const own = held.get(summary);
        return own?.revision === version.revision && own.root === toHex(root) && own.fault === "";
      });
    });
  }

  /** Quarantines that attacks were to show, and did. */
  get shownQuarantines(): number {
    return this.#shownQuarantines;
  }

  async stop(): Promise<void> {
    await this.victim.stop();
    await Promise.all([this.#west.stop(), this.#north.stop()]);
    this.#keys.remove();
  }
}

function check(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`not so after ${WAIT_MS} ms: ${what}`);
    await pause(LOOK_MS);
  }
}
