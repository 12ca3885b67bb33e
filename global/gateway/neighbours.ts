import type { PeerInfo } from "../api/view-source.js";
import type { Link } from "../mesh/core/link.js";
import type { MeshCore } from "../mesh/core/mesh-core.js";
import type { SourceStatus } from "../source/types.js";
import type { Links, RegionLink } from "../view/view.js";
import { localLink } from "./local-link.js";

export interface NeighboursInput {
  readonly region: string;
  readonly gateway: string;
  readonly address: string;
  readonly core: MeshCore;
  readonly sourceStatus: () => SourceStatus;
  readonly ageNowMs: () => number;
}

/** A gateway that nobody here has dialled. */
function known(region: string, address: string): PeerInfo {
  return { region, gateway: address, address, state: "idle", rttMs: undefined };
}

function dialled({ region, address, hello, state, rttMs }: Link): PeerInfo {
  const gateway = hello?.gateway ?? address;
  return { region, gateway, address, state: state === "up" ? "connected" : state, rttMs };
}

/** How this gateway hears of regions, and who their gateways are. */
export class Neighbours {
  readonly #input: NeighboursInput;

  constructor(input: NeighboursInput) {
    this.#input = input;
  }

  links(): Links {
    const { core, region: home, sourceStatus, ageNowMs } = this.#input;
    const links = new Map<string, RegionLink>();
    for (const region of core.directory.keys()) links.set(region, this.#linkOf(region));
    for (const region of core.book.regions()) {
      // Nobody told this gateway where it is, but another region's brings its news.
      const isHeard = core.book.path(region, ageNowMs()).length > 0;
      if (isHeard && !links.has(region)) links.set(region, this.#linkOf(region));
    }
    links.set(home, this.#homeLink(localLink(sourceStatus(), home)));
    return links;
  }

  /** A region whose own source is lost may still come by a sibling or through another region. */
  #homeLink(local: RegionLink): RegionLink {
    if (local.reachable) return local;
    const { core, region: home, ageNowMs } = this.#input;
    const path = core.book.path(home, ageNowMs());
    if (path.length < 2) return local;
    const relay = path.find((region) => region !== home) ?? home;
    return { reachable: true, path: `relay:${relay}`, reason: local.reason };
  }

  #linkOf(region: string): RegionLink {
    const path = this.#input.core.book.path(region, this.#input.ageNowMs());
    if (path.length > 0) {
      // What a sibling fetches and shares comes as directly as what this gateway fetches.
      const relay = path.find((hop) => hop !== this.#input.region);
      const via = relay === undefined || relay === region ? "direct" : `relay:${relay}`;
      return { reachable: true, path: via, reason: "" };
    }
    const { directory, links } = this.#input.core;
    const errors = (directory.get(region) ?? []).map((address) => links.get(address)?.error);
    const reason = errors.find((error) => error !== undefined) ?? "nothing has come from it yet";
    return { reachable: false, path: "", reason };
  }

  peers(): PeerInfo[] {
    const { region, gateway, address, core } = this.#input;
    const self: PeerInfo = { region, gateway, address, state: "self", rttMs: undefined };
    const peers = new Map([[address, self]]);
    for (const [of, addresses] of core.directory) {
      for (const other of addresses) {
        if (!peers.has(other)) peers.set(other, known(of, other));
      }
    }
    for (const link of core.links.values()) {
      if (link.isSelf) peers.delete(link.address);
      else peers.set(link.address, dialled(link));
    }
    peers.set(address, self);
    return [...peers.values()];
  }
}
