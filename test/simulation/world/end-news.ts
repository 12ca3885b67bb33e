import type { Random } from "../../../shared/random.js";
import type { Members } from "./members.js";
import type { SimNetwork } from "./network.js";
import type { WorldClock } from "./world-clock.js";

/** Most time until members learn that another's process has ended. */
const NEWS_DELAY = 20;

/** Tells members whose process has ended, as they would find its port closed. */
export class EndNews {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #network: SimNetwork;
  readonly #members: Members;

  constructor(clock: WorldClock, random: Random, network: SimNetwork, members: Members) {
    this.#clock = clock;
    this.#random = random;
    this.#network = network;
    this.#members = members;
  }

  ended(gone: number): void {
    for (const id of this.#members.ids) {
      this.#clock.after(1 + this.#random.int(NEWS_DELAY), () => this.#tell(id, gone));
    }
  }

  #tell(id: number, gone: number): void {
    const process = this.#members.process(id);
    const network = this.#network;
    if (!network.reaches(id, gone) || !network.reaches(gone, id)) return;
    process?.work(() => {
      if (this.#members.process(gone) !== undefined) return;
      const { node } = process.member;
      this.#clock.note("% learns that % is gone", id, gone);
      if (node.peerGone(gone)) node.campaign();
      process.member.drain();
    });
  }
}
