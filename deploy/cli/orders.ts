import { sign } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { type Order, type OrderStatement, orderBytes } from "../../global/digest/orders.js";
import { decodeOrder, encodeOrder } from "../../global/digest/wire-trust.js";
import { keyFiles } from "../../global/trust/key-files.js";
import { keyId, readPrivateKey } from "../../global/trust/keys.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import { parseIncarnation } from "../../shared/etcd/incarnation.js";
import { INCARNATION_KEY } from "../../shared/etcd/keys.js";
import { get } from "../../shared/etcd/kv.js";
import { TrustService } from "../../shared/gen/atoll/trust/v1/trust_pb.js";
import { callAny } from "./any-endpoint.js";
import type { Environment } from "./environment.js";
import {
  type GatewayHoldings,
  gatherHoldings,
  type KnownLife,
  knownLives,
  silentGateways,
} from "./holdings.js";

/** How an order is given. */
export interface OrderOptions {
  /** File of the operators' private key; looked for beside the topology when not given. */
  readonly operatorKey: string | undefined;
  /** Said by whoever knows what it does. */
  readonly yes: boolean;
}

/** Signs an order; without a key where the deployment has none, which only unsigned gateways take. */
function signed(environment: Environment, statement: OrderStatement, named?: string): Order {
  const usual = keyFiles(dirname(environment.topologyFile)).operatorKey;
  const file = named ?? (existsSync(usual) ? usual : undefined);
  if (file === undefined) return { ...statement, signature: new Uint8Array(0), keyId: "" };
  const key = readPrivateKey(file, "--operator-key");
  return { ...statement, signature: sign(null, orderBytes(statement), key), keyId: keyId(key) };
}

/** Throws FAILED_PRECONDITION saying what would be done, unless it was confirmed. */
export function confirm(yes: boolean, what: string): void {
  if (yes) return;
  throw new AtollError("FAILED_PRECONDITION", `${what}; say --yes if that is what you want`);
}

async function give(
  environment: Environment,
  statement: OrderStatement,
  options: OrderOptions,
  what: string,
): Promise<void> {
  confirm(options.yes, what);
  const order = signed(environment, statement, options.operatorKey);
  const { method } = TrustService;
  const request = { order: encodeOrder(order) };
  const { news } = await callAny(environment.gateways(), "gateway", method.command, request);
  const { region, kind, counter, nonce } = statement;
  if (environment.form === "json") {
    environment.json({ order: kind, region, counter, nonce: nonce === "" ? null : nonce, news });
    return;
  }
  environment.line(news ? `done: ${what}` : "this stood already");
}

function livesOf(holdings: readonly GatewayHoldings[], region: string): KnownLife[] {
  const lives = knownLives(holdings, region);
  if (lives.length > 0) return lives;
  const silent = silentGateways(holdings);
  const asked = silent.length === 0 ? "" : ` that answers (${silent.join(", ")} did not)`;
  throw new AtollError("NOT_FOUND", `no gateway${asked} knows anything of a region "${region}"`);
}

/** `atoll region forget`: removes a region everywhere and for good; a later incarnation may come back. */
export async function forgetRegion(
  environment: Environment,
  region: string,
  counter: number | undefined,
  options: OrderOptions,
): Promise<void> {
  const lives = livesOf(await gatherHoldings(environment, [region]), region);
  const last = counter ?? Math.max(...lives.map((life) => life.counter));
  const statement = { kind: "forget" as const, region, counter: last, nonce: "", serial: 0 };
  const what = `${region} is forgotten everywhere, with all its incarnations up to ${last}`;
  await give(environment, statement, options, what);
}

/** `atoll region adopt`: settles which life of a region is the one of its counter. */
export async function adoptLife(
  environment: Environment,
  region: string,
  nonce: string,
  options: OrderOptions,
): Promise<void> {
  const holdings = await gatherHoldings(environment, [region]);
  const stored = await storedLife(environment, region);
  const lives =
    stored === undefined ? livesOf(holdings, region) : [stored, ...knownLives(holdings, region)];
  const found = [...new Map(lives.map((life) => [life.nonce, life])).values()].filter(
    (life) => life.nonce !== "" && life.nonce.startsWith(nonce),
  );
  const [life, second] = found;
  if (life === undefined || second !== undefined) {
    const known = [...new Set(lives.map((one) => one.nonce).filter((one) => one !== ""))].join(
      ", ",
    );
    const what = second === undefined ? "no life" : "several lives";
    throw new AtollError(
      "NOT_FOUND",
      `${what} of ${region} have a nonce ${nonce}…; known: ${known}`,
    );
  }
  const serial = 1 + lastSerial(holdings, region, life.counter);
  const { counter } = life;
  const statement = { kind: "adopt" as const, region, counter, nonce: life.nonce, serial };
  const what = `${life.nonce} is the only incarnation ${life.counter} of ${region}`;
  await give(environment, statement, options, what);
}

/** The life that the region's own store is in, which its gateways may refuse; undefined when it can't be read. */
async function storedLife(
  environment: Environment,
  region: string,
): Promise<KnownLife | undefined> {
  const place = environment.topology.regions.find(({ name }) => name === region);
  if (place === undefined) return undefined;
  const client = environment.etcdClient(place);
  try {
    const { kv } = await get(client, INCARNATION_KEY);
    return kv && parseIncarnation(fromUtf8(kv.value));
  } catch {
    // A region that is lost can still be settled by what gateways know of it.
    return undefined;
  } finally {
    client.close();
  }
}

/** Of orders for one counter the one with the highest number stands. */
function lastSerial(holdings: readonly GatewayHoldings[], region: string, counter: number): number {
  let last = 0;
  for (const holding of holdings.flatMap((one) => one.regions)) {
    if (holding.region !== region) continue;
    for (const message of holding.orders) {
      const order = decodeOrder(message, "order");
      if (order.kind === "adopt" && order.counter === counter) last = Math.max(last, order.serial);
    }
  }
  return last;
}
