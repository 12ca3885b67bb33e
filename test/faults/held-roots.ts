import { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import type { Gateway } from "../peers/gateway.js";
import { eventually } from "./metric.js";

/** The roots that a gateway holds of a summary, by region. */
export async function heldRoots(gateway: Gateway, summary: string): Promise<Map<string, string>> {
  const client = new RpcClient(gateway.address.grpc);
  try {
    const { summaries } = await client.unary(GlobalService.method.summaries, { summary });
    return new Map(summaries.map(({ region, root }) => [region, root]));
  } finally {
    client.close();
  }
}

/** Resolves when gateways hold a summary of the same regions with the same roots. */
export async function untilEqualRoots(
  gateways: readonly Gateway[],
  summary: string,
): Promise<void> {
  await eventually(async () => {
    const held = await Promise.all(gateways.map((gateway) => heldRoots(gateway, summary)));
    const texts = held.map((roots) => [...roots].map(([region, root]) => `${region} ${root}`));
    return new Set(texts.map((lines) => lines.sort().join())).size === 1;
  }, `equal roots of ${summary}`);
}
