import { Cluster, Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { etcdctl } from "./etcdctl.js";
import { type Step, step } from "./raw.js";
import type { Subject } from "./subject.js";

const { memberList } = Cluster.method;
const { moveLeader, status } = Maintenance.method;

export async function withClient<T>(
  endpoint: string,
  run: (client: RpcClient) => Promise<T>,
): Promise<T> {
  const client = new RpcClient(endpoint);
  try {
    return await run(client);
  } finally {
    client.close();
  }
}

/** Calls through the member with the index; the answer's members in an order of their own. */
export function raw(subject: Subject, index: number, one: Step): Promise<unknown> {
  return withClient(subject.endpoints[index] as string, async (client) => {
    const text = JSON.stringify(await one.run(client));
    return normalise(subject, JSON.parse(text));
  });
}

const OWN_FIELDS = new Set(["ID", "clusterId", "memberId", "raftTerm"]);

/** What the two answer alike: ids and addresses by their place, members in the order of places. */
function normalise(subject: Subject, value: unknown): unknown {
  if (Array.isArray(value)) {
    const all: unknown[] = value.map((item) => normalise(subject, item));
    return all.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value === "string") return placed(subject, value);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      OWN_FIELDS.has(key) ? "OWN" : normalise(subject, field),
    ]),
  );
}

function placed(subject: Subject, text: string): string {
  let result = text.replace(/\b(etcd|member)-(\d)\b/g, "NAME$2");
  for (const [i, peer] of subject.peers.entries()) result = result.replaceAll(peer, `PEER${i}`);
  for (const [i, end] of subject.endpoints.entries()) result = result.replaceAll(end, `CLIENT${i}`);
  return result;
}

/** The id of the member at a place. */
export async function idAt(subject: Subject, place: number): Promise<bigint> {
  return withClient(subject.endpoints[0] as string, async (client) => {
    const { members } = await client.unary(memberList, {});
    const url = urlAt(subject, place);
    const member = members.find(({ peerURLs }) => peerURLs.includes(url));
    if (member === undefined) throw new Error(`${subject.name}: no member is at ${url}`);
    return member.ID;
  });
}

export const urlAt = (subject: Subject, place: number): string => `http://${subject.peers[place]}`;

/** Etcdctl through the first member, with a place's id for "ID" and its URL for "URL". */
export async function ctl(subject: Subject, place: number, ...words: string[]): Promise<unknown> {
  const needsId = words.includes("ID");
  const id = needsId ? (await idAt(subject, place)).toString(16) : "";
  const args = words.map((word) =>
    word === "ID" ? id : word.replace("URL", urlAt(subject, place)),
  );
  const { code, stdout, stderr } = await etcdctl(subject, 0, args);
  return { code, stdout: stdout.split("\n").map(sortedList).sort(), stderr };
}

/** Lists in etcdctl's lines stand in the order of addresses, which are chance. */
function sortedList(line: string): string {
  const list = /^(ETCD_INITIAL_CLUSTER=")(.*)(")$/.exec(line);
  if (list === null) return line;
  return `${list[1]}${(list[2] ?? "").split(",").sort().join(",")}${list[3]}`;
}

/** Repeats until it isn't refused for a reason that passes: members count after five seconds. */
export async function inTime<T>(run: () => Promise<T>, passes = "unhealthy cluster"): Promise<T> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const result = await run();
    if (!JSON.stringify(result).includes(passes) || performance.now() > giveUpAt) return result;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Asks the member that leads to hand over to the one at a place. */
export async function moveTo(subject: Subject, place: number, from?: number): Promise<unknown> {
  const targetID = await idAt(subject, place);
  const leads = from ?? (await leaderOf(subject));
  return raw(subject, leads, step("move", moveLeader, { targetID }));
}

export async function leaderOf(subject: Subject): Promise<number> {
  for (const [i, endpoint] of subject.endpoints.entries()) {
    if (i > 2) break;
    const leads = await withClient(endpoint, async (client) => {
      const answer = await client.unary(status, {});
      return answer.leader === answer.header?.memberId;
    });
    if (leads) return i;
  }
  throw new Error(`${subject.name}: nobody leads`);
}
