import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { Fleet } from "../../deploy/playground/fleet.js";
import type { Machine } from "../../deploy/playground/fleet-model.js";
import { Progress } from "../../deploy/terminal/progress.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { cellJson } from "../../shared/cell-json.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { prefixQuery, range } from "../../shared/etcd/kv.js";
import { type GetResponse, GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { startWorld, type World } from "../peers/gateway.js";

/** What `npm start -- --fleet` adds to a playground, seen as a digest from another region. */
const REGIONS = ["east", "west"];
const POLL_MS = 100;
const WAIT_MS = 40_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({ regions: REGIONS });
});
afterAll(async () => {
  await world?.stop();
});

async function digest(region: string): Promise<GetResponse> {
  const client = new RpcClient(world.gateway(region).address.grpc);
  try {
    return await client.unary(GlobalService.method.get, { summary: "machines" });
  } finally {
    client.close();
  }
}

/** The healthy machines of all regions, read from their own state. */
async function healthyMachines(): Promise<Machine[]> {
  const machines = REGIONS.map(async (name) => {
    const client = new EtcdClient({ endpoints: world.region(name).endpoints });
    try {
      const { kvs } = await range(client, prefixQuery("/machines/"));
      return kvs.map(({ value }) => JSON.parse(fromUtf8(value)) as Machine);
    } finally {
      client.close();
    }
  });
  return (await Promise.all(machines)).flat().filter(({ status }) => status === "healthy");
}

interface App {
  readonly group: string;
  readonly machines: number;
  readonly spare: number;
  readonly hosts: number;
}

/** What a digest of these machines says, app by app; and each app's median latency. */
function truth(machines: readonly Machine[]): { apps: App[]; medians: number[] } {
  const names = [...new Set(machines.map(({ app }) => app))].sort();
  const byApp = names.map((name) => machines.filter(({ app }) => app === name));
  return {
    apps: byApp.map((own, index) => ({
      group: JSON.stringify([names[index]]),
      machines: own.length,
      spare: own.reduce((sum, machine) => sum + machine.cpu_free, 0),
      hosts: new Set(own.map(({ host }) => host)).size,
    })),
    medians: byApp.map((own) => {
      const latencies = own.map((machine) => machine.p99_ms).sort((a, b) => a - b);
      return latencies[Math.floor((own.length - 1) / 2)] as number;
    }),
  };
}

/** What a digest says. */
function said({ groups }: GetResponse): { apps: Partial<App>[]; medians: number[] } {
  const numbers = groups.map(({ key, cells }) => {
    const [machines, spare, hosts, latency] = cells.map(cellJson);
    return { group: key, machines, spare, hosts, latency } as {
      group: string;
      machines: number;
      spare: number;
      hosts: { estimate: number };
      latency: { p50: number };
    };
  });
  return {
    apps: numbers.map(({ group, machines, spare, hosts }) => ({
      group,
      machines,
      spare,
      hosts: hosts.estimate,
    })),
    medians: numbers.map(({ latency }) => latency.p50),
  };
}

test("the fleet's digest is that of its records, in every region", async () => {
  const stop = new AbortController();
  const troubles: string[] = [];
  const progress = new Progress({ write: (text) => troubles.push(text) });
  const fleet = await Fleet.start(world.topology, stop.signal, progress);
  await fleet.stop();
  const expected = truth(await healthyMachines());
  for (const region of REGIONS) {
    await vi.waitFor(
      async () => {
        const { apps, medians } = said(await digest(region));
        expect(apps).toEqual(expected.apps);
        medians.forEach((median, index) => {
          const exact = expected.medians[index] as number;
          expect(Math.abs(median / exact - 1)).toBeLessThan(0.01);
        });
      },
      { timeout: WAIT_MS, interval: POLL_MS },
    );
  }
  expect(expected.apps).toHaveLength(5);
  expect(troubles).toEqual([]);
});
