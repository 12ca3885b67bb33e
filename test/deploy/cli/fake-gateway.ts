import { create } from "@bufbuild/protobuf";
import {
  GetResponseSchema,
  GlobalService,
  MeasureKind,
  RegionFreshnessSchema,
  RegionStatus,
  RegionsResponseSchema,
  SubscribeResponseSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import type { Topology } from "../../../shared/topology.js";

const DEFINITION = {
  fingerprint: "ab",
  groupBy: ["value.app"],
  measures: [
    { name: "machines", kind: MeasureKind.COUNT },
    { name: "slowest", kind: MeasureKind.MAX },
    { name: "hosts", kind: MeasureKind.DISTINCT },
    { name: "latency", kind: MeasureKind.QUANTILES },
  ],
};

export const FRESH = create(RegionFreshnessSchema, {
  region: "east",
  version: { incarnation: 1n, nonce: "n", revision: 42n },
  status: RegionStatus.FRESH,
  maxAgeMs: 12.5,
  path: "direct",
});

const SPREAD = { count: 9n, min: 1.01, p50: 4.949, p90: 8, p99: 99.01, p999: 99.01, max: 1234.5 };

function group(key: string, count: bigint, max?: number) {
  return {
    key,
    cells: [
      { value: { case: "count" as const, value: count } },
      { value: { case: "max" as const, value: max === undefined ? {} : { value: max } } },
      {
        value: {
          case: "distinct" as const,
          value: { estimate: count * 50n, standardError: Number(count) * 50 * 0.01625 },
        },
      },
      { value: { case: "quantiles" as const, value: SPREAD } },
    ],
  };
}

/** A gateway that answers with fixed groups in pages of two, to see what the command line makes of them. */
export async function startFakeGateway(): Promise<{
  address: string;
  stop: () => Promise<void>;
  asked: string[];
}> {
  const asked: string[] = [];
  const server = new RpcServer({ observe: undefined, report: () => {} });
  const groups = [group('["api"]', 3n, 9.5), group('["batch",1]', 1n), group('["web"]', 2n, 4)];
  server.add(GlobalService, {
    regions: () =>
      create(RegionsResponseSchema, {
        gateway: "g0",
        region: "east",
        regions: [
          {
            freshness: FRESH,
            summaries: 1,
            gateways: [
              { name: "g0", address: "127.0.0.1:1", state: "self" },
              { name: "g1", address: "127.0.0.1:2", state: "connected", rttMs: 0.5 },
            ],
            gatewayNames: [
              {
                name: "dns:east.test:1",
                addresses: ["127.0.0.1:2"],
                answerAgeMs: 2_000,
                error: "lost",
              },
              { name: "srv:east.test", error: "not found" },
            ],
          },
        ],
      }),
    get: (request) => {
      asked.push(`get ${request.summary} ${request.groups?.keys.join(";")} after ${request.after}`);
      const rest = groups.filter(({ key }) => key > request.after);
      return create(GetResponseSchema, {
        summary: request.summary,
        definition: DEFINITION,
        groups: rest.slice(0, 2),
        more: rest.length > 2,
        regions: [FRESH],
        otherDefinition: ["west"],
      });
    },
    subscribe: async (request, sink) => {
      asked.push(`subscribe ${request.summaries.join()} token ${request.resumeToken.length}`);
      const messages = [
        {
          event: {
            case: "update" as const,
            value: {
              summary: "m",
              reset: true,
              definition: DEFINITION,
              groups: [groups[0] as (typeof groups)[0]],
            },
          },
        },
        {
          event: {
            case: "heartbeat" as const,
            value: { regions: [FRESH], resumeToken: new Uint8Array(3), complete: true },
          },
        },
        { event: { case: "update" as const, value: { summary: "m", removed: ['["api"]'] } } },
        { event: { case: "notice" as const, value: { message: "east was restored" } } },
      ];
      for (const message of messages) sink.send(create(SubscribeResponseSchema, message));
    },
  });
  const port = await server.listen("127.0.0.1:0");
  return { address: `127.0.0.1:${port}`, stop: () => server.stop(0), asked };
}

/** A topology of one region with these gateways. */
export function topologyOf(...gateways: string[]): Topology {
  return {
    regions: [
      {
        name: "east",
        members: [{ name: "m0", client: "127.0.0.1:1", peer: "127.0.0.1:2", http: "127.0.0.1:3" }],
        gateways: gateways.map((grpc, i) => ({ name: `g${i}`, grpc, http: "127.0.0.1:4" })),
      },
    ],
  };
}
