import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { DelayProxy } from "../wan/delay-proxy.js";
import { quantile } from "./statistics.js";

/** From a put's answer in one region to the event at a subscriber in another. */
export interface DigestRow {
  /** One-way delay between the gateways that the proxy adds. */
  readonly injectedMs: number;
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What is left of the median beyond the injected delay. */
  readonly p50BeyondMs: number;
}

const SAMPLES = 300;
const WARM_UP = 20;
/** Longer than the pushes' coalescing interval of 50 ms, so that each change is a first one. */
const PACE_MS = 70;

const DEFINITION = `name: bench
prefix: /bench/
groupBy: []
measures:
  newest: max(value.n)
`;

async function sample(client: EtcdClient, subscriber: Subscriber, n: number): Promise<number> {
  let seenMs = Number.NaN;
  const seen = subscriber.until((s) => {
    const isSeen = [...s.groups.values()][0]?.[0] === n;
    if (isSeen) seenMs = performance.now();
    return isSeen;
  });
  await put(client, "/bench/record", JSON.stringify({ n }));
  const answeredMs = performance.now();
  await seen;
  return seenMs - answeredMs;
}

async function measure(
  world: World,
  injectedMs: number,
  say: (text: string) => void,
): Promise<DigestRow> {
  const client = new EtcdClient({ endpoints: world.region("a").endpoints });
  const subscriber = new Subscriber(world.gateway("b").address.grpc, "bench");
  try {
    await put(client, "/atoll/summaries/bench", DEFINITION);
    const latencies: number[] = [];
    for (let n = 1; n <= SAMPLES + WARM_UP; n++) {
      const ms = await sample(client, subscriber, n);
      if (n > WARM_UP) latencies.push(ms);
      if (n % 100 === 0) say(`digest, ${injectedMs} ms injected: ${n} of ${SAMPLES + WARM_UP}`);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
    latencies.sort((x, y) => x - y);
    const p50Ms = quantile(latencies, 0.5);
    return {
      injectedMs,
      samples: latencies.length,
      p50Ms,
      p99Ms: quantile(latencies, 0.99),
      p50BeyondMs: p50Ms - injectedMs,
    };
  } finally {
    subscriber.close();
    client.close();
  }
}

/** Measures two regions of three members, without and with delay between their gateways. */
export async function runDigestSuite(
  delaysMs: readonly number[],
  say: (text: string) => void,
): Promise<DigestRow[]> {
  const rows: DigestRow[] = [];
  for (const injectedMs of delaysMs) {
    const proxies: DelayProxy[] = [];
    const via = async (_from: string, _to: string, address: string): Promise<string> => {
      const proxy = await DelayProxy.start({ target: address, delayMs: injectedMs });
      proxies.push(proxy);
      return proxy.address;
    };
    const world = await startWorld({
      regions: ["a", "b"],
      members: 3,
      ...(injectedMs > 0 ? { via } : {}),
    });
    try {
      rows.push(await measure(world, injectedMs, say));
    } finally {
      await world.stop();
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
  }
  return rows;
}
