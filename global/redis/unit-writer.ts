import {
  MIRROR_CHUNK_BYTES,
  MIRROR_CHUNK_GROUPS,
  MIRROR_DELTA_BYTES,
  MIRROR_ENTRY_BYTES,
  MIRROR_STAGE_TTL_MS,
  MIRROR_STREAM_ENTRIES,
} from "../../shared/limits.js";
import type { Argument, RedisConnection } from "./connection.js";
import { allGroups } from "./core/content.js";
import { groupJson, wallText } from "./core/fields.js";
import { type UnitKeys, unitKeys } from "./core/keys.js";
import type { Vector } from "./core/standing.js";
import type { Target } from "./core/target.js";
import { OUTCOMES, type Reply, type WritePlan } from "./core/unit.js";
import { LOOK, STAGE, WRITE } from "./scripts.js";

/** All that one write of a unit is made of. */
export interface UnitWrite {
  readonly name: string;
  readonly target: Target;
  readonly plan: WritePlan;
  /** Names and values in turn, for the meta hash. */
  readonly fields: readonly string[];
  readonly wallMs: number;
}

interface Payload {
  /** Groups and values in turn. */
  readonly changed: string[];
  readonly removed: string[];
  readonly bytes: number;
}

/** Carries out looks and writes on one connection. */
export class UnitWriter {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #writer: string;
  /** So that no two writes of this process stage under one key. */
  static #stages = 0;

  constructor(connection: RedisConnection, prefix: string, writer: string) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#writer = writer;
  }

  /** What Redis holds of a unit. */
  async look(name: string): Promise<Reply> {
    const { meta, groups } = unitKeys(this.#prefix, name);
    return readReply(await this.#connection.run(LOOK, [meta, groups], []));
  }

  /** Writes a unit where the fence lets it; a delta that is too large becomes a whole write. */
  async write(write: UnitWrite): Promise<Reply> {
    const { plan } = write;
    const keys = unitKeys(this.#prefix, write.name);
    const stage = `${keys.stage}${this.#writer}:${UnitWriter.#stages++}`;
    if (plan.kind === "whole") return await this.#writeWhole(write, keys, stage);
    const payload = payloadOf(write);
    if (payload.bytes > MIRROR_DELTA_BYTES) return await this.#writeWhole(write, keys, stage);
    return await this.#send(write, keys, stage, plan.kind, payload, 0);
  }

  /** Large writes come in pieces, under a key that nobody reads, and are put in place at once. */
  async #writeWhole(write: UnitWrite, keys: UnitKeys, stage: string): Promise<Reply> {
    const measures = write.target.schema?.measures ?? [];
    let staged = 0;
    let chunk: string[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (chunk.length === 0) return;
      await this.#connection.run(STAGE, [stage], [MIRROR_STAGE_TTL_MS, ...chunk]);
      chunk = [];
      bytes = 0;
    };
    for (const [key, cells] of allGroups(write.target)) {
      const value = groupJson(measures, cells);
      chunk.push(key, value);
      staged++;
      bytes += key.length + value.length;
      if (chunk.length >= MIRROR_CHUNK_GROUPS * 2 || bytes >= MIRROR_CHUNK_BYTES) await flush();
    }
    await flush();
    const reply = await this.#send(write, keys, stage, "whole", NO_PAYLOAD, staged);
    if (reply.outcome !== "written" && staged > 0) await this.#connection.call("UNLINK", stage);
    return reply;
  }

  async #send(
    { target, plan, fields, wallMs }: UnitWrite,
    keys: UnitKeys,
    stage: string,
    kind: WritePlan["kind"],
    { changed, removed, bytes }: Payload,
    staged: number,
  ): Promise<Reply> {
    const isSmall = kind === "delta" && bytes <= MIRROR_ENTRY_BYTES;
    const head = {
      kind,
      vector: target.vector,
      from: plan.from,
      lines: target.lines,
      writer: this.#writer,
      claim: plan.claim,
      standstill: plan.standstill,
      staged,
      event: isSmall ? "delta" : (target.gone ?? "reread"),
      maxlen: MIRROR_STREAM_ENTRIES,
      at: wallText(wallMs),
      fields: fields.length / 2,
      changed: changed.length / 2,
    };
    const args: Argument[] = [JSON.stringify(head), ...fields, ...changed, ...removed];
    return readReply(
      await this.#connection.run(WRITE, [keys.meta, keys.groups, keys.changes, stage], args),
    );
  }
}

const NO_PAYLOAD: Payload = { changed: [], removed: [], bytes: 0 };

function payloadOf({ plan, target }: UnitWrite): Payload {
  const measures = target.schema?.measures ?? [];
  const changed: string[] = [];
  const removed: string[] = [];
  let bytes = 0;
  for (const [key, cells] of plan.changes) {
    bytes += key.length;
    if (cells === undefined) {
      removed.push(key);
      continue;
    }
    const value = groupJson(measures, cells);
    bytes += value.length;
    changed.push(key, value);
  }
  return { changed, removed, bytes };
}

/** Reads a script's answer; the order is that of ANSWER in scripts.ts. */
function readReply(answer: unknown): Reply {
  const texts = Array.isArray(answer) ? answer.map(String) : [];
  const [outcome, vector = "", lines = "", seq, writer = "", claimant = "", intact] = texts;
  const known = OUTCOMES.find((candidate) => candidate === outcome);
  if (known === undefined) throw new Error(`a script has answered ${JSON.stringify(answer)}`);
  return {
    outcome: known,
    stored: {
      vector: vector === "" ? undefined : (JSON.parse(vector) as Vector),
      lines,
      seq: Number(seq),
      writer,
      claimant,
      intact: intact === "1",
    },
  };
}
