import { expect } from "vitest";
import { startRegion } from "../peers/atoll.js";
import { startEtcd } from "../peers/etcd.js";

/** A server that is put to the test: three members that serve the etcd API. */
export interface Subject {
  readonly name: string;
  /** host:port of each member. */
  readonly endpoints: readonly string[];
  /** host:port where each member listens for the others. */
  readonly peers: readonly string[];
  /** A member that is told of the others, to be added and then started; its index. */
  prepare(): Promise<number>;
  /** Starts it. */
  launch(index: number): void;
  stop(): Promise<void>;
}

/** Real etcd and ours, side by side. */
export interface Pair {
  readonly etcd: Subject;
  readonly atoll: Subject;
  stop(): Promise<void>;
}

async function startSubject(name: "etcd" | "atoll"): Promise<Subject> {
  const cluster = await (name === "etcd" ? startEtcd({ members: 3 }) : startRegion({ members: 3 }));
  return {
    name,
    get endpoints() {
      return cluster.endpoints;
    },
    get peers() {
      return cluster.members.map(({ peer }) => peer);
    },
    prepare: () => cluster.prepare([0, 1, 2]),
    launch: (index) => void cluster.launch(index),
    stop: () => cluster.stop(),
  };
}

/** Starts three members of each; both are fresh, so that equal commands give equal revisions. */
export async function startPair(): Promise<Pair> {
  const [etcd, atoll] = await Promise.allSettled([startSubject("etcd"), startSubject("atoll")]);
  if (etcd.status === "rejected" || atoll.status === "rejected") {
    for (const one of [etcd, atoll]) if (one.status === "fulfilled") await one.value.stop();
    throw etcd.status === "rejected" ? etcd.reason : (atoll as PromiseRejectedResult).reason;
  }
  const pair = { etcd: etcd.value, atoll: atoll.value };
  const stop = async (): Promise<void> => {
    await Promise.all([pair.etcd.stop(), pair.atoll.stop()]);
  };
  return { ...pair, stop };
}

/** Runs the same on both servers, expects equal results, and gives the result. */
export async function both<T>(pair: Pair, run: (subject: Subject) => Promise<T>): Promise<T> {
  const [etcd, atoll] = await Promise.all([run(pair.etcd), run(pair.atoll)]);
  expect(atoll).toEqual(etcd);
  return etcd;
}
