import { errorText } from "../../shared/errors.js";
import { type RegionHoldings, TrustService } from "../../shared/gen/atoll/trust/v1/trust_pb.js";
import { callOne } from "./any-endpoint.js";
import type { Environment } from "./environment.js";

/** What one gateway says that it holds; `error` says why it doesn't say. */
export interface GatewayHoldings {
  readonly gateway: string;
  /** The gateway's own region. */
  readonly home: string;
  readonly regions: readonly RegionHoldings[];
  readonly error?: string;
}

/** Asks every gateway what it holds of some regions, all at once; of all for an empty list. */
export function gatherHoldings(
  environment: Environment,
  regions: readonly string[],
): Promise<GatewayHoldings[]> {
  const gateways = environment.topology.regions.flatMap((region) =>
    region.gateways.map((gateway) => ({ home: region.name, gateway })),
  );
  return Promise.all(
    gateways.map(async ({ home, gateway: { name, grpc } }) => {
      try {
        const request = { regions: [...regions] };
        const answer = await callOne(grpc, TrustService.method.holdings, request);
        return { gateway: name, home, regions: answer.regions };
      } catch (error) {
        return { gateway: name, home, regions: [], error: errorText(error) };
      }
    }),
  );
}

/** A life of a region, as somebody knows of it. */
export interface KnownLife {
  readonly counter: number;
  readonly nonce: string;
}

/** All lives of a region that gateways know of: held, in conflict, adopted, forgotten. */
export function knownLives(holdings: readonly GatewayHoldings[], region: string): KnownLife[] {
  const lives: KnownLife[] = [];
  const add = (life: { counter: bigint; nonce: Uint8Array } | undefined): void => {
    if (life === undefined) return;
    const nonce = Buffer.from(life.nonce).toString("hex");
    lives.push({ counter: Number(life.counter), nonce });
  };
  for (const holding of holdings.flatMap((one) => one.regions)) {
    if (holding.region !== region) continue;
    add(holding.incarnation);
    for (const word of holding.conflict) add(word.incarnation);
    for (const order of holding.orders) add(order);
  }
  return lives;
}

/** Names the gateways that didn't say what they hold; empty when all did. */
export function silentGateways(holdings: readonly GatewayHoldings[]): string[] {
  return holdings.flatMap(({ gateway, error }) => (error === undefined ? [] : [gateway]));
}
