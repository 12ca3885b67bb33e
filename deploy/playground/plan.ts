import { AtollError } from "../../shared/errors.js";
import type { Topology } from "../../shared/topology.js";
import type { PlaygroundOptions } from "./options.js";

const HOST = "127.0.0.1";
const PORTS_A_REGION = 100;
const PORTS_A_PROCESS = 10;
const FIRST_GATEWAY = 50;

/** Gives the port for an offset from the base; with base 0, any free port. */
export type PortOf = (offset: number) => number;

type Shape = Pick<PlaygroundOptions, "regions" | "members" | "gateways">;

function count(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** The topology that the options describe. */
export function planTopology(options: Shape, portOf: PortOf): Topology {
  const at = (offset: number): string => `${HOST}:${portOf(offset)}`;
  return {
    regions: options.regions.map((name, r) => ({
      name,
      members: count(options.members).map((m) => {
        const first = PORTS_A_REGION * r + PORTS_A_PROCESS * m;
        return {
          name: `${name}-m${m}`,
          client: at(first),
          peer: at(first + 1),
          http: at(first + 2),
        };
      }),
      gateways: count(options.gateways).map((g) => {
        const first = PORTS_A_REGION * r + FIRST_GATEWAY + PORTS_A_PROCESS * g;
        return { name: `${name}-g${g}`, grpc: at(first), http: at(first + 1) };
      }),
    })),
  };
}

/** How many ports a topology of this shape takes, for a caller that reserves them. */
export function portsNeeded(options: Shape): number {
  return options.regions.length * (3 * options.members + 2 * options.gateways);
}

function contradiction(option: string, stored: string, asked: string): AtollError {
  return new AtollError(
    "FAILED_PRECONDITION",
    `--${option}: the stored topology has ${stored}, and ${asked} was asked for; ` +
      `leave the option out, or choose another --data-dir`,
  );
}

/**
 * Compares the options that were given with a stored topology. Throws
 * FAILED_PRECONDITION naming the first difference.
 */
export function checkAgainstStored(options: PlaygroundOptions, stored: Topology): void {
  const { given } = options;
  const names = stored.regions.map((region) => region.name);
  if (given.has("regions") && names.join(",") !== options.regions.join(",")) {
    throw contradiction("regions", names.join(","), options.regions.join(","));
  }
  for (const region of stored.regions) {
    if (given.has("members") && region.members.length !== options.members) {
      throw contradiction(
        "members",
        `${region.members.length} members in ${region.name}`,
        String(options.members),
      );
    }
    if (given.has("gateways") && region.gateways.length !== options.gateways) {
      throw contradiction(
        "gateways",
        `${region.gateways.length} gateways in ${region.name}`,
        String(options.gateways),
      );
    }
  }
  const first = stored.regions[0]?.members[0];
  if (
    given.has("base-port") &&
    options.basePort !== 0 &&
    first?.client !== `${HOST}:${options.basePort}`
  ) {
    throw contradiction(
      "base-port",
      `${first?.name}'s client port at ${first?.client}`,
      `${HOST}:${options.basePort}`,
    );
  }
}

/** Every `host:port` of a topology with what listens there. */
export function listeners(topology: Topology): { address: string; what: string }[] {
  return topology.regions.flatMap((region) => [
    ...region.members.flatMap((member) => [
      { address: member.client, what: `${member.name}'s client port` },
      { address: member.peer, what: `${member.name}'s peer port` },
      { address: member.http, what: `${member.name}'s HTTP port` },
    ]),
    ...region.gateways.flatMap((gateway) => [
      { address: gateway.grpc, what: `${gateway.name}'s gRPC port` },
      { address: gateway.http, what: `${gateway.name}'s HTTP port` },
    ]),
  ]);
}
