import type { MessageInitShape } from "@bufbuild/protobuf";
import { encodeClaim } from "../../../../global/digest/wire-version.js";
import { encodeHello } from "../../../../global/mesh/core/hello.js";
import { AtollError } from "../../../../shared/errors.js";
import {
  MeshService,
  type SyncRequestSchema,
} from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { RpcClient } from "../../../../shared/rpc/client.js";
import type { Arms, AttackClass } from "../attack.js";

type RequestInit = MessageInitShape<typeof SyncRequestSchema>;

const PATIENCE_MS = 1_500;

/** Opens a stream to the gateway and says things; resolves with why it was ended, or in a while. */
async function ask(
  target: string,
  requests: readonly (RequestInit | Uint8Array)[],
): Promise<string> {
  const client = new RpcClient(target);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const stream = client.bidi(MeshService.method.sync, { signal });
  try {
    for (const request of requests) stream.send(request);
    for await (const _ of stream);
    return "";
  } catch (error) {
    return error instanceof AtollError ? error.code : String(error);
  } finally {
    client.close();
  }
}

function hello({ west }: Arms, region = "west", gateway = "hostile"): RequestInit {
  return {
    hello: encodeHello({ region, gateway, foldSemantics: 1, incarnation: west.incarnation }),
  };
}

/** Requests of a receiver that wants too much, the impossible, or to be another. */
export const hostileRequests: AttackClass = (arms) => {
  const { random, west, target } = arms;
  const section = west.section("machines");
  const pull = (region: string) => ({ region, summaries: [], held: [] });
  const invented = (i: number) =>
    encodeClaim({ ...section, id: { region: `r${i % 50}`, summary: `s${i}` } });
  const times = <T>(count: number, of: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => of(i));
  const plans: [string, readonly (RequestInit | Uint8Array)[]][] = [
    ["100,000 pulls at once", [hello(arms), { pulls: times(100_000, () => pull("east")) }]],
    [
      "pulls of nobody's sections",
      [
        hello(arms),
        ...times(40, (k) => ({
          pulls: times(50, (i) => ({
            region: `r${i}`,
            held: times(20, (j) => invented(k * 1e6 + i * 1e3 + j)),
          })),
        })),
      ],
    ],
    [
      "interest in everything",
      [hello(arms), { interest: { regions: times(5_000, (i) => `r${i}`) } }],
    ],
    [
      "interest again and again",
      [
        hello(arms),
        ...times(500, (i) => ({
          interest: { regions: i % 2 === 0 ? ["east", "north"] : [], held: [] },
        })),
      ],
    ],
    ["a second hello", [hello(arms), hello(arms)]],
    ["no hello", [{ ping: { stampMs: 1 } }]],
    [
      "the gateway's own name",
      [hello(arms, "east", "east-g0"), { interest: { regions: ["east"] } }],
    ],
    ["pings of no number", [hello(arms), { ping: { stampMs: Number.NaN } }]],
    ["20,000 pings", [hello(arms), ...times(20_000, (i) => ({ ping: { stampMs: i } }))]],
    ["bytes", [hello(arms), Uint8Array.from({ length: 99 }, () => random.int(256))]],
    [
      "claims of the future",
      [
        hello(arms),
        { interest: { regions: ["east", "west", "north"], held: times(2_000, invented) } },
      ],
    ],
  ];
  const [what, requests] = random.pick(plans);
  return {
    what: `a receiver that says ${what}`,
    act: async () => void (await ask(target, requests)),
  };
};

/** Very many streams that never say who they are. */
export const silentStreams: AttackClass = ({ target }) => ({
  what: "600 streams that say nothing",
  act: async () => {
    const client = new RpcClient(target);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const streams = Array.from({ length: 600 }, async () => {
      for await (const _ of client.bidi(MeshService.method.sync, { signal }));
    });
    await Promise.allSettled(streams);
    client.close();
  },
});
