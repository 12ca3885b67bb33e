import { create, toBinary } from "@bufbuild/protobuf";
import { toBinaryKey, utf8 } from "../../shared/bytes.js";
import { ContractSchema } from "../../shared/gen/atoll/global/v1/contract_pb.js";
import {
  type Notice,
  NoticeKind,
  NoticeSchema,
  type SubscribeRequest,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_RESUME_TOKEN_BYTES, MAX_UPDATE_INTERVAL_MS } from "../../shared/limits.js";
import { type HashFunction, toHex } from "../digest/hash.js";
import { readContract } from "./contract-request.js";
import { invalid } from "./error-detail.js";
import { bounded, checkSummary, groupFilter, regionsOf } from "./request-checks.js";
import { decodeToken, type Places } from "./resume-token.js";
import type { ViewSource } from "./view-source.js";
import type { Wanted } from "./wanted.js";

/** Hexadecimal digits of a filter's fingerprint. */
const FINGERPRINT_DIGITS = 16;

/** A subscription's request, checked. */
export interface AskedSubscription {
  readonly wanted: Wanted;
  /** Shortest time between two updates, in ms; 0 for what the gateway allows. */
  readonly intervalMs: number;
  /** Equal for subscribers that are to be told the same at the same time. */
  readonly question: string;
  /** The resume token as a binary string; empty when there is none. */
  readonly token: string;
  /** Where the token stands. */
  readonly places: Places;
  /** What is wrong with the token, to be said first. */
  readonly remark: Notice | undefined;
}

/** Checks a request. Throws AtollError naming the field that is wrong. */
export function readSubscription(
  source: ViewSource,
  request: SubscribeRequest,
  hash: HashFunction,
): AskedSubscription {
  const intervalMs = intervalOf(request);
  const { wanted, digest } = wantedOf(source, request, hash);
  const { contract, resumeToken, tokenInUpdates } = request;
  const demands = contract === undefined ? "" : toBinaryKey(toBinary(ContractSchema, contract));
  const question = JSON.stringify([digest, intervalMs, tokenInUpdates, demands]);
  const asked = { wanted, intervalMs, question, token: toBinaryKey(resumeToken) };
  if (resumeToken.length === 0) return { ...asked, places: new Map(), remark: undefined };
  const places = decodeToken(resumeToken, wanted.fingerprint);
  if (places !== undefined) return { ...asked, places, remark: undefined };
  const message = "the resume token is not one of this release, or not one of these filters";
  const remark = create(NoticeSchema, { kind: NoticeKind.RESET, message });
  return { ...asked, places: new Map(), remark };
}

function intervalOf({ minIntervalMs }: SubscribeRequest): number {
  if (minIntervalMs > MAX_UPDATE_INTERVAL_MS) {
    invalid("min_interval_ms", `is ${minIntervalMs}; at most ${MAX_UPDATE_INTERVAL_MS} is allowed`);
  }
  return minIntervalMs;
}

function wantedOf(
  source: ViewSource,
  request: SubscribeRequest,
  hash: HashFunction,
): { wanted: Wanted; digest: string } {
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
  const digest = toHex(hash(utf8(question)));
  const wanted = {
    summaries: summaries.length === 0 ? undefined : summaries,
    regions: regions.length === 0 ? undefined : regions,
    groups: groupFilter(request.groups),
    byRegion: request.byRegion,
    tokenInUpdates: request.tokenInUpdates,
    contract: readContract(request.contract, request.regions),
    fingerprint: digest.slice(0, FINGERPRINT_DIGITS),
  };
  return { wanted, digest };
}
