import { existsSync } from "node:fs";
import { join } from "node:path";
import { AtollClient } from "../../shared/client/client.js";
import { AtollError } from "../../shared/errors.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { type GivenEtcdOptions, regionAccess } from "../../shared/etcd/region-access.js";
import type { Topology, TopologyRegion } from "../../shared/topology.js";
import { type Column, formatTable } from "../terminal/table.js";

/** Which members of a region to ask, and for how long. */
interface RegionPart {
  readonly endpoints?: readonly string[];
  readonly timeoutMs?: number;
}

/** The output forms of every command. */
export type OutputForm = "table" | "json";

/** Where a playground keeps its topology. */
const USUAL_TOPOLOGY = join(".atoll", "topology.json");

/** No TLS and no user, where the topology doesn't say otherwise. */
const NO_ETCD_OPTIONS: GivenEtcdOptions = { texts: {}, sourceOf: (option) => `--${option}` };

/** What every command is given: where things are, and how to print. */
export class Environment {
  readonly topology: Topology;
  readonly form: OutputForm;
  /** The file that the topology is from; keys are looked for beside it. */
  readonly topologyFile: string;
  readonly #write: (text: string) => void;
  readonly #etcd: GivenEtcdOptions;

  constructor(
    topology: Topology,
    form: OutputForm,
    write: (text: string) => void,
    topologyFile: string = USUAL_TOPOLOGY,
    etcd: GivenEtcdOptions = NO_ETCD_OPTIONS,
  ) {
    this.#etcd = etcd;
    this.topologyFile = topologyFile;
    this.topology = topology;
    this.form = form;
    this.#write = write;
  }

  /** The regions with these names, or all for an empty list. Throws NOT_FOUND naming an unknown one. */
  regions(names: readonly string[]): TopologyRegion[] {
    if (names.length === 0) return this.topology.regions;
    return names.map((name) => {
      const region = this.topology.regions.find((candidate) => candidate.name === name);
      if (region === undefined) {
        const known = this.topology.regions.map((candidate) => candidate.name).join(", ");
        throw new AtollError(
          "NOT_FOUND",
          `--region: there is no region "${name}"; there are ${known}`,
        );
      }
      return region;
    });
  }

  /**
   * A client of a region's etcd API, or of some of its members only. Throws what reading
   * certificates and passwords throws.
   */
  etcdClient(
    region: TopologyRegion,
    { endpoints = region.members.map((member) => member.client), timeoutMs }: RegionPart = {},
  ): EtcdClient {
    const access = regionAccess(this.#etcd, { region, file: this.topologyFile });
    return new EtcdClient({ endpoints, access, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  }

  /** The addresses of every gateway. */
  gateways(): string[] {
    return this.topology.regions.flatMap((region) =>
      region.gateways.map((gateway) => gateway.grpc),
    );
  }

  /**
   * Runs `work` with a client of all gateways, and closes it. A call fails once each of
   * them was asked in vain: somebody waits at a terminal.
   */
  async withClient<T>(work: (client: AtollClient) => Promise<T>): Promise<T> {
    const client = new AtollClient({ gateways: this.gateways(), giveUpAfterMs: 0 });
    try {
      return await work(client);
    } finally {
      client.close();
    }
  }

  /** Prints a value as one JSON document. */
  json(value: unknown): void {
    this.#write(`${JSON.stringify(value, jsonValue, 2)}\n`);
  }

  /** Prints a value as one line of JSON, for streams. */
  jsonLine(value: unknown): void {
    this.#write(`${JSON.stringify(value, jsonValue)}\n`);
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    this.#write(formatTable(columns, rows));
  }

  line(text: string): void {
    this.#write(`${text}\n`);
  }
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

/**
 * The topology file: the option, ATOLL_TOPOLOGY, or `.atoll/topology.json`. Throws
 * NOT_FOUND saying how to name one.
 */
export function findTopologyFile(option: string | undefined, env: NodeJS.ProcessEnv): string {
  const named = option ?? env["ATOLL_TOPOLOGY"];
  if (named !== undefined && named !== "") return named;
  if (!existsSync(USUAL_TOPOLOGY)) {
    throw new AtollError(
      "NOT_FOUND",
      `there is no ${USUAL_TOPOLOGY} here: start a playground with npm start, or name a file by --topology or ATOLL_TOPOLOGY`,
    );
  }
  return USUAL_TOPOLOGY;
}
