import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { foundCluster, parseInitialCluster } from "../../../regional/member/identity.js";
import { MemberMetrics } from "../../../regional/member/metrics.js";
import { Member } from "../../../regional/member.js";
import { CommandKind } from "../../../regional/store/command.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import { fromUtf8, toBinaryKey, utf8 } from "../../../shared/bytes.js";
import { PutRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { createLogger } from "../../../shared/log.js";
import { Registry } from "../../../shared/metrics.js";
import { freePorts } from "../../../shared/ports.js";
import { until } from "../peer/peers.js";

/** Several members in this process, each with a real data directory and real sockets. */
export class TestCluster {
  readonly names: readonly string[];
  readonly #folder: string;
  readonly #ports: readonly number[];
  readonly #members = new Map<string, Member>();
  readonly logged: string[] = [];
  readonly fatal: unknown[] = [];
  /** Members that learnt that they were removed. */
  readonly removed: string[] = [];

  private constructor(names: readonly string[], folder: string, ports: readonly number[]) {
    this.names = names;
    this.#folder = folder;
    this.#ports = ports;
  }

  static async start(size: number): Promise<TestCluster> {
    const names = Array.from({ length: size }, (_, i) => `m${i}`);
    const folder = await mkdtemp(join(tmpdir(), "atoll-members-"));
    const cluster = new TestCluster(names, folder, await freePorts(size));
    await Promise.all(names.map((name) => cluster.startMember(name)));
    return cluster;
  }

  dataDir(name: string): string {
    return join(this.#folder, name);
  }

  async startMember(name: string): Promise<Member> {
    const peers = this.names.map((peer, i) => `${peer}=127.0.0.1:${this.#ports[i]}`).join(",");
    const named = parseInitialCluster(name, peers);
    const peer = { host: "127.0.0.1", port: this.#ports[this.names.indexOf(name)] ?? 0 };
    const member = await Member.start({
      identity: foundCluster("test", name, named),
      dataDir: this.dataDir(name),
      peer,
      advertisePeer: peer,
      client: { host: "127.0.0.1", port: 1 },
      logger: createLogger(
        "debug",
        { member: name },
        { write: (line) => void this.logged.push(line) },
      ),
      metrics: new MemberMetrics(new Registry()),
      onRemoved: () => this.removed.push(name),
      onFatal: (error) => this.fatal.push(error),
    });
    this.#members.set(name, member);
    return member;
  }

  async stopMember(name: string): Promise<void> {
    const member = this.member(name);
    this.#members.delete(name);
    await member.stop();
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`${name} is not running`);
    return member;
  }

  get running(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** The member that leads, once all running ones agree on it. */
  async leader(): Promise<Member> {
    let leader: Member | undefined;
    await until(
      () => {
        const leads = new Set(this.running.map((member) => member.status().leader));
        leader = this.running.find((member) => leads.size === 1 && leads.has(member.memberId));
        return leader !== undefined;
      },
      "a leader that all agree on",
      15_000,
    );
    return leader as Member;
  }

  async followers(): Promise<readonly Member[]> {
    const leader = await this.leader();
    return this.running.filter((member) => member !== leader);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((name) => this.stopMember(name)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Puts a pair through a member. */
export function put(member: Member, key: string, value: string, lease = 0n): Promise<Outcome> {
  const request = create(PutRequestSchema, { key: utf8(key), value: utf8(value), lease });
  return member.propose(CommandKind.put, toBinary(PutRequestSchema, request));
}

/** A linearizable read of one key through a member. */
export async function get(member: Member, key: string): Promise<string | undefined> {
  await member.linearizable();
  const row = member.state.get(toBinaryKey(utf8(key)));
  return row === undefined ? undefined : fromUtf8(row.value());
}

/** A member's whole state as text, to compare members by. */
export function imageOf(member: Member): string {
  const lines: string[] = [];
  for (const { table, key, value } of member.state.dump()) {
    lines.push(
      `${table} ${typeof key === "number" ? key : Buffer.from(key).toString("hex")} ${
        value === null ? "-" : Buffer.from(value).toString("hex")
      }`,
    );
  }
  return lines.join("\n");
}
