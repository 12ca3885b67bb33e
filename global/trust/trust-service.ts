import { create } from "@bufbuild/protobuf";
import { AtollError } from "../../shared/errors.js";
import {
  type CommandRequest,
  type CommandResponse,
  CommandResponseSchema,
  type HoldingsRequest,
  type HoldingsResponse,
  HoldingsResponseSchema,
  type RegionHoldings,
  RegionHoldingsSchema,
  type TrustService,
} from "../../shared/gen/atoll/trust/v1/trust_pb.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { GlobalState } from "../digest/global-state.js";
import type { Order } from "../digest/orders.js";
import { REFUSAL_TEXTS } from "../digest/refusal.js";
import { malformed, regionName } from "../digest/wire-check.js";
import { decodeOrder, encodeAttestation, encodeOrder } from "../digest/wire-trust.js";
import { encodeClaim, encodeIncarnation } from "../digest/wire-version.js";

export interface TrustServiceInput {
  readonly region: string;
  readonly gateway: string;
  readonly state: GlobalState;
  /** Takes an order and passes it on. */
  readonly obey: (order: Order) => ReturnType<GlobalState["obey"]>;
  /** Resolves once a new order is on disk, or couldn't be brought there in time. */
  readonly kept: () => Promise<void>;
  /** Why the own region's source is refused; empty when it isn't. */
  readonly refused: () => string;
}

/** `atoll.trust.v1` for operators: what is held by whose word, and their orders. */
export class OperatorDesk {
  readonly handlers: Handlers<typeof TrustService>;
  readonly #input: TrustServiceInput;

  constructor(input: TrustServiceInput) {
    this.#input = input;
    this.handlers = {
      holdings: (request) => this.#holdings(request),
      command: (request) => this.#command(request),
    };
  }

  #holdings({ regions }: HoldingsRequest): HoldingsResponse {
    const { region, gateway, state } = this.#input;
    const known = new Set([region, ...[...state.regions()].map((register) => register.region)]);
    for (const order of state.orders()) known.add(order.region);
    const asked = regions.map((name, i) => regionName(name, `regions[${i}]`));
    const named = asked.length === 0 ? [...known].sort() : asked;
    return create(HoldingsResponseSchema, {
      region,
      gateway,
      regions: named.filter((name) => known.has(name)).map((name) => this.#region(name)),
    });
  }

  #region(name: string): RegionHoldings {
    const { region, state, refused } = this.#input;
    const register = state.region(name);
    const sections = [...(register?.sections() ?? [])].map((section) => ({
      claim: encodeClaim(section),
      keyId: state.words.of(section.id)?.keyId ?? "",
      groups: BigInt(section.content.size),
      retired: section.schema.retired,
      fault: register?.fault(section.id.summary)?.message ?? "",
    }));
    const isOfRegion = (one: { readonly region: string }): boolean => one.region === name;
    return create(RegionHoldingsSchema, {
      region: name,
      ...(register === undefined ? {} : { incarnation: encodeIncarnation(register.incarnation) }),
      sections,
      conflict: [...state.words.evidence()].filter(isOfRegion).map(encodeAttestation),
      orders: [...state.orders()].filter(isOfRegion).map(encodeOrder),
      refused: name === region ? refused() : "",
    });
  }

  async #command({ order }: CommandRequest): Promise<CommandResponse> {
    if (order === undefined) malformed("order", "is missing");
    const outcome = this.#input.obey(decodeOrder(order, "order"));
    if (outcome === "news") await this.#input.kept();
    if (outcome === "news" || outcome === "known") {
      return create(CommandResponseSchema, { news: outcome === "news" });
    }
    const why = REFUSAL_TEXTS[outcome].replaceAll("its region", "an operator");
    throw new AtollError("PERMISSION_DENIED", `order: ${why}`);
  }
}
