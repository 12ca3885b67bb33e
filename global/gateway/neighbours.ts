import type { PeerInfo } from "../api/view-source.js";
import type { Link } from "../mesh/core/link.js";
import type { MeshCore } from "../mesh/core/mesh-core.js";
import type { Directory } from "../mesh/core/planner-input.js";
import type { SourceStatus } from "../source/types.js";
import type { Links, RegionLink } from "../view/view.js";
import { localLink } from "./local-link.js";

export interface NeighboursInput {
  readonly region: string;
  readonly gateway: string;
  readonly address: string;
  readonly directory: Directory;
  readonly core: MeshCore;
  readonly sourceStatus: () => SourceStatus;
  readonly ageNowMs: () => number;
}

function stateOf(link: Link): PeerInfo["state"] {
  if (link.isSelf) return "self";
  return link.state === "up" ? "connected" : link.state;
}

/** How this gateway hears of regions, and who their gateways are. */
export class Neighbours {
  readonly #input: NeighboursInput;

  constructor(input: NeighboursInput) {
    this.#input = input;
  }

  links(): Links {
    const { directory, region: home, sourceStatus } = this.#input;
    const links = new Map<string, RegionLink>();
    for (const region of directory.keys()) links.set(region, this.#linkOf(region));
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
    const errors = this.#linksOf(region).flatMap((link) =>
      link.error === undefined ? [] : [link.error],
    );
    return { reachable: false, path: "", reason: errors[0] ?? "nothing has come from it yet" };
  }

  #linksOf(region: string): Link[] {
    return [...this.#input.core.links.values()].filter((link) => link.region === region);
  }

  peers(): PeerInfo[] {
    const { region, gateway, address, core } = this.#input;
    const self: PeerInfo = { region, gateway, address, state: "self", rttMs: undefined };
    const others = [...core.links.values()].filter(
      (link) => !link.isSelf && link.address !== address,
    );
    return [
      self,
      ...others.map((link) => ({
        region: link.region,
        gateway: link.hello?.gateway ?? link.address,
        address: link.address,
        state: stateOf(link),
        rttMs: link.rttMs,
      })),
    ];
  }
}
