import { seededRandom } from "../../../shared/random.js";
import { EventQueue } from "../../simulation/world/event-queue.js";
import { Convergence } from "./convergence.js";
import type { Places } from "./places.js";

/** What a model of spreading news came to. */
export interface ModelResult {
  readonly convergence: Convergence;
  readonly messages: number;
  readonly duplicates: number;
}

/** The floor: the origin sends to everybody at once, on streams that are open, nothing is lost. */
export function directPush(places: Places, changes: number, seed: number): ModelResult {
  const random = seededRandom(seed);
  const convergence = new Convergence();
  const { names } = places;
  for (let change = 1; change <= changes; change++) {
    const origin = random.int(names.length);
    convergence.began(names[origin] as string, change, 0);
    names.forEach((name, at) => {
      if (at === origin) return;
      const ms = places.oneWayMs(origin, at);
      convergence.arrived(names[origin] as string, change, name, ms);
    });
  }
  return { convergence, messages: changes * (names.length - 1), duplicates: 0 };
}

/** Serf's gossip over a WAN: memberlist's DefaultWANConfig at hashicorp/memberlist@1b4c746c. */
export const SERF_WAN = {
  /** Pause between a node's rounds (GossipInterval); nodes' rounds are out of step. */
  intervalMs: 500,
  /** Nodes picked at random each round (GossipNodes). */
  nodes: 4,
  /** A node passes a message on this times ceil(log10(n + 1)) times (RetransmitMult). */
  retransmitMult: 4,
};

/** News spread by gossip alone; nothing is lost. Push-pull, each minute, is left out. */
export function gossip(places: Places, changes: number, seed: number): ModelResult {
  const random = seededRandom(seed);
  const convergence = new Convergence();
  const { names } = places;
  const { intervalMs, nodes, retransmitMult } = SERF_WAN;
  const budget = retransmitMult * Math.ceil(Math.log10(names.length + 1));
  const result = { convergence, messages: 0, duplicates: 0 };
  for (let change = 1; change <= changes; change++) {
    const origin = random.int(names.length);
    const originName = names[origin] as string;
    const queue = new EventQueue<() => void>();
    const has = new Set<number>();
    let nowMs = 0;
    const learns = (node: number): void => {
      if (has.has(node)) {
        result.duplicates++;
        return;
      }
      has.add(node);
      if (node === origin) convergence.began(originName, change, nowMs);
      else convergence.arrived(originName, change, names[node] as string, nowMs);
      let left = budget;
      const round = (): void => {
        const targets = new Set<number>();
        while (targets.size < Math.min(nodes, left, names.length - 1)) {
          const target = random.int(names.length);
          if (target !== node) targets.add(target);
        }
        left -= targets.size;
        result.messages += targets.size;
        for (const target of targets) {
          queue.push(nowMs + places.oneWayMs(node, target), () => learns(target));
        }
        if (left > 0) queue.push(nowMs + intervalMs, round);
      };
      queue.push(nowMs + random.next() * intervalMs, round);
    };
    learns(origin);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      nowMs = next.time;
      next.event();
    }
  }
  return result;
}
