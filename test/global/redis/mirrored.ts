import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { expect } from "vitest";
import { ContractDesk } from "../../../global/api/contract-desk.js";
import { get } from "../../../global/api/get.js";
import { allGroups } from "../../../global/redis/core/content.js";
import { groupJson } from "../../../global/redis/core/fields.js";
import { unitKeys, unitOf } from "../../../global/redis/core/keys.js";
import type { Target } from "../../../global/redis/core/target.js";
import { RedisMirror } from "../../../global/redis/mirror.js";
import { parseRedisSettings } from "../../../global/redis/settings.js";
import { cellJson } from "../../../shared/cell-json.js";
import { systemClock } from "../../../shared/clock.js";
import { GetRequestSchema } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { createRegistry, type Registry } from "../../../shared/metrics.js";
import { systemRandom } from "../../../shared/random.js";
import { FakeGateway } from "../api/fake-gateway.js";

const WAIT_MS = 25_000;
const POLL_MS = 20;
const PREFIX = "atoll:";

/** Runs redis-cli and gives its answer as JSON. */
export type Cli = (...args: readonly string[]) => Promise<unknown>;

/** What a unit's keys hold, as a consumer reads them: in one transaction. */
export interface Mirrored {
  readonly groups: ReadonlyMap<string, unknown>;
  readonly meta: Readonly<Record<string, string>>;
}

/** A gateway whose view tests make up, and its mirror. */
export class MirroredGateway {
  readonly gateway = new FakeGateway();
  readonly registry: Registry = createRegistry({});
  readonly logged: string[] = [];
  readonly mirror: RedisMirror;
  readonly #desk = new ContractDesk(this.gateway, { refused: () => {}, waited: () => {} });

  /** `options` as the gateway's options without dashes. */
  constructor(options: Readonly<Record<string, string>>) {
    const settings = parseRedisSettings(options, (option) => option);
    if (settings === undefined) throw new Error("the options name no Redis");
    const log = pino({ level: "info" }, { write: (line: string) => this.logged.push(line) });
    this.mirror = new RedisMirror({
      settings,
      source: this.gateway,
      registry: this.registry,
      log,
      clock: systemClock,
      random: systemRandom,
    });
    this.mirror.start();
  }

  /** The groups that Get answers, as the mirror writes them. */
  expected(name: string): Map<string, unknown> {
    const { summary, region } = unitOf(name);
    const regions = region === undefined ? [] : [region];
    const request = create(GetRequestSchema, { summary, regions });
    const answer = get(this.#desk, request);
    const measures = answer.definition?.measures ?? [];
    return new Map(
      answer.groups.map(({ key, cells }) => [
        key,
        Object.fromEntries(measures.map((measure, i) => [measure.name, cellJson(cells[i])])),
      ]),
    );
  }

  /** Resolves when Redis holds what Get answers. */
  async untilMirrored(cli: Cli, ...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const wanted = textOf(this.expected(name));
      await until(
        async () => textOf((await readUnit(cli, name)).groups) === wanted,
        () => `${name} to be ${wanted}; the mirror says ${JSON.stringify(this.mirror.status)}`,
      );
    }
  }

  /** The value of a counter or gauge, summed over its labels. */
  async metric(name: string): Promise<number> {
    const found = await this.registry.getSingleMetric(`atoll_global_redis_${name}`)?.get();
    if (found === undefined) throw new Error(`there is no metric ${name}`);
    return found.values.reduce((sum, { value }) => sum + value, 0);
  }
}

/** A target's groups, as the mirror writes them. */
export function expectedGroups(target: Target): Map<string, unknown> {
  const measures = target.schema?.measures ?? [];
  return new Map(
    [...allGroups(target)].map(([key, cells]) => [key, JSON.parse(groupJson(measures, cells))]),
  );
}

/** Reads a unit as a consumer does. */
export async function readUnit(cli: Cli, name: string): Promise<Mirrored> {
  const { groups, meta } = unitKeys(PREFIX, name);
  const script = "return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])}";
  const answer = await cli("EVAL", script, "2", groups, meta);
  const [fields, metas] = answer as [string[], string[]];
  return {
    groups: new Map([...pairs(fields)].map(([key, value]) => [key, JSON.parse(value)])),
    meta: Object.fromEntries(pairs(metas)),
  };
}

/** The entries of a unit's stream, oldest first. */
export async function readChanges(cli: Cli, name: string): Promise<Record<string, string>[]> {
  const answer = await cli("XRANGE", unitKeys(PREFIX, name).changes, "-", "+");
  return (answer as [string, string[]][]).map(([, fields]) => Object.fromEntries(pairs(fields)));
}

/** Groups as text, in the order of their keys. */
function textOf(groups: ReadonlyMap<string, unknown>): string {
  return JSON.stringify([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function* pairs(flat: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i] as string, flat[i + 1] as string];
}

/** Polls until `isSo`; a generous limit, with what was waited for in the error. */
export async function until(
  isSo: () => Promise<boolean> | boolean,
  what: () => string,
): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) expect.fail(`waited ${WAIT_MS} ms for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
