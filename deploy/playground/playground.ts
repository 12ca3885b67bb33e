import { makeKeyFiles } from "../../global/trust/key-files.js";
import { parseHostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";
import { freePorts, isPortFree } from "../../shared/ports.js";
import type { Topology } from "../../shared/topology.js";
import type { Progress } from "../terminal/progress.js";
import { Child } from "./child.js";
import { DataDir } from "./data-dir.js";
import type { PlaygroundOptions } from "./options.js";
import { checkAgainstStored, listeners, planTopology, portsNeeded } from "./plan.js";
import { type ProcessSpec, processSpecs } from "./processes.js";
import { waitUntilReady } from "./readiness.js";

/** Time that all processes together get to become ready. */
const READY_TIMEOUT_MS = 120_000;

async function newTopology(options: PlaygroundOptions): Promise<Topology> {
  if (options.basePort !== 0) return planTopology(options, (offset) => options.basePort + offset);
  const free = await freePorts(portsNeeded(options));
  let next = 0;
  return planTopology(options, () => free[next++] as number);
}

async function checkPorts(topology: Topology): Promise<void> {
  for (const { address, what } of listeners(topology)) {
    const { host, port } = parseHostPort(address, what);
    if (!(await isPortFree(host, port))) {
      throw new AtollError(
        "UNAVAILABLE",
        `port ${port} (${what}) is taken; stop what listens there, or choose another --base-port and --data-dir`,
      );
    }
  }
}

/** A set of regions on this machine: every member and gateway a process of its own. */
export class Playground {
  readonly topology: Topology;
  readonly #dir: DataDir;
  readonly #progress: Progress;
  readonly #specs: readonly ProcessSpec[];
  readonly #children: Child[] = [];
  readonly #stopped = new AbortController();
  #stopping: Promise<void> | undefined;

  private constructor(
    topology: Topology,
    dir: DataDir,
    redis: string | undefined,
    progress: Progress,
  ) {
    this.topology = topology;
    this.#dir = dir;
    this.#progress = progress;
    this.#specs = processSpecs(topology, dir, redis);
  }

  /**
   * Opens the data directory and settles the topology: the stored one, or a new one
   * from the options. Starts nothing. Throws when the options contradict what is
   * stored, a port is taken, or the directory can't be used, naming it.
   */
  static async open(options: PlaygroundOptions, progress: Progress): Promise<Playground> {
    const dir = DataDir.open(options.dataDir);
    try {
      const stored = dir.readTopology();
      if (stored !== undefined) checkAgainstStored(options, stored);
      const topology = stored ?? (await newTopology(options));
      await checkPorts(topology);
      const names = topology.regions.map((region) => region.name);
      makeKeyFiles(options.dataDir, names);
      if (stored === undefined) dir.writeTopology(topology);
      return new Playground(topology, dir, options.redis, progress);
    } catch (error) {
      dir.release();
      throw error;
    }
  }

  get topologyFile(): string {
    return this.#dir.topologyFile;
  }

  /** Fires when the playground begins to stop. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * Starts every process and resolves when all are ready; false when it was stopped
   * meanwhile. Throws UNAVAILABLE naming the first process that isn't ready in time.
   */
  async start(): Promise<boolean> {
    const say = (name: string, how: string, againMs: number): void => {
      this.#progress.line(`${name} ended (${how}); starting it again in ${againMs / 1000} s`);
    };
    for (const spec of this.#specs) {
      if (this.#stopped.signal.aborted) return false;
      const child = new Child(spec, say);
      this.#children.push(child);
      child.start();
    }
    let ready = 0;
    const total = this.#specs.length;
    this.#progress.step(`starting ${total} processes …`);
    const results = await Promise.all(
      this.#specs.map(async (spec) => {
        const reason = await waitUntilReady(spec.http, READY_TIMEOUT_MS, this.#stopped.signal);
        if (reason === undefined) {
          ready += 1;
          this.#progress.step(`${spec.name} is ready (${ready} of ${total})`);
        }
        return { spec, reason };
      }),
    );
    this.#progress.clear();
    if (this.#stopped.signal.aborted) return false;
    const late = results.find((result) => result.reason !== undefined);
    if (late !== undefined) {
      throw new AtollError(
        "UNAVAILABLE",
        `${late.spec.name} isn't ready after ${READY_TIMEOUT_MS / 1000} s (${late.reason}); its log is ${late.spec.logFile}`,
      );
    }
    return true;
  }

  /** Stops every process: gateways first, then members, all at once each. Safe to call again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#children.map((child) => child.stop()));
    this.#dir.release();
  }
}
