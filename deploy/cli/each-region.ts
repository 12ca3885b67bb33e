import { AtollError, errorText } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import type { TopologyRegion } from "../../shared/topology.js";
import type { Environment } from "./environment.js";

/** What came of one region. */
export interface RegionResult<T> {
  readonly region: string;
  readonly result?: T;
  readonly error?: string;
}

async function withClient<T>(
  environment: Environment,
  region: TopologyRegion,
  work: (client: EtcdClient) => Promise<T>,
): Promise<T> {
  const client = environment.etcdClient(region);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Does the same in each region at once; one that fails doesn't keep the others from it. */
export async function inEachRegion<T>(
  environment: Environment,
  regions: readonly TopologyRegion[],
  work: (client: EtcdClient) => Promise<T>,
): Promise<RegionResult<T>[]> {
  return Promise.all(
    regions.map(async (region) => {
      try {
        return { region: region.name, result: await withClient(environment, region, work) };
      } catch (error) {
        return { region: region.name, error: errorText(error) };
      }
    }),
  );
}

/** Throws the failure of the regions that failed, after all have been reported. */
export function throwFailures(what: string, results: readonly RegionResult<unknown>[]): void {
  const failed = results.filter((result) => result.error !== undefined);
  if (failed.length === 0) return;
  throw new AtollError(
    "UNAVAILABLE",
    `${what} in ${failed.map((result) => result.region).join(", ")} failed; the others are done`,
  );
}
