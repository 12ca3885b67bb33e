import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RegionDemandSchema } from "../gen/atoll/global/v1/contract_pb.js";

/**
 * What to demand of a region so that a write is there to read: `header` is that of the
 * put's answer from the region's etcd API.
 */
export function writtenAt(
  region: string,
  header: { readonly clusterId: bigint; readonly revision: bigint },
): MessageInitShape<typeof RegionDemandSchema> {
  const life = { case: "clusterId", value: header.clusterId } as const;
  return { region, minVersion: { revision: header.revision, life } };
}
