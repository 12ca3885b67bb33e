import { create } from "@bufbuild/protobuf";
import { utf8 } from "../../shared/bytes.js";
import {
  NoticeKind,
  NoticeSchema,
  type SubscribeRequest,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import {
  MAX_RESUME_TOKEN_BYTES,
  MAX_UPDATE_INTERVAL_MS,
  MIN_UPDATE_INTERVAL_MS,
} from "../../shared/limits.js";
import { type HashFunction, toHex } from "../digest/hash.js";
import type { ContractDesk } from "./contract-desk.js";
import { readContract } from "./contract-request.js";
import { invalid } from "./error-detail.js";
import type { Hub } from "./hub.js";
import { bounded, checkSummary, groupFilter, regionsOf } from "./request-checks.js";
import { decodeToken } from "./resume-token.js";
import { Subscription, type Wanted } from "./subscription.js";

/** Hexadecimal digits of a filter's fingerprint. */
const FINGERPRINT_DIGITS = 16;

/** Milliseconds between two updates of a summary. Throws INVALID_ARGUMENT naming the field. */
export function intervalOf({ minIntervalMs }: SubscribeRequest): number {
  if (minIntervalMs > MAX_UPDATE_INTERVAL_MS) {
    invalid("min_interval_ms", `is ${minIntervalMs}; at most ${MAX_UPDATE_INTERVAL_MS} is allowed`);
  }
  return Math.max(minIntervalMs, MIN_UPDATE_INTERVAL_MS);
}

/** Checks a request and opens its subscription. Throws AtollError naming the field that is wrong. */
export function openSubscription(
  hub: Hub,
  desk: ContractDesk,
  request: SubscribeRequest,
  hash: HashFunction,
): Subscription {
  const { source } = hub;
  const resuming = request.resumeToken.length > 0;
  bounded(request.summaries, "summaries");
  request.summaries.forEach((summary, index) => {
    // One that resumes had it, so that a gateway that has just started may not deny it.
    if (!resuming) checkSummary(source, summary, `summaries[${index}]`);
  });
  if (request.resumeToken.length > MAX_RESUME_TOKEN_BYTES) {
    invalid("resume_token", `is longer than ${MAX_RESUME_TOKEN_BYTES} bytes`);
  }
  const summaries = [...new Set(request.summaries)].sort();
  const regions = request.regions.length === 0 ? [] : regionsOf(source, request.regions);
  const { keys = [], prefix = "" } = request.groups ?? {};
  const question = JSON.stringify([summaries, regions, [...keys].sort(), prefix, request.byRegion]);
  const wanted: Wanted = {
    summaries: summaries.length === 0 ? undefined : summaries,
    regions: regions.length === 0 ? undefined : regions,
    groups: groupFilter(request.groups),
    byRegion: request.byRegion,
    tokenInUpdates: request.tokenInUpdates,
    contract: readContract(request.contract, request.regions),
    fingerprint: toHex(hash(utf8(question))).slice(0, FINGERPRINT_DIGITS),
  };
  const places = resuming ? decodeToken(request.resumeToken, wanted.fingerprint) : new Map();
  if (places !== undefined) return new Subscription(hub, desk, wanted, places, undefined);
  const message = "the resume token is not one of this release, or not one of these filters";
  const remark = create(NoticeSchema, { kind: NoticeKind.RESET, message });
  return new Subscription(hub, desk, wanted, new Map(), remark);
}
