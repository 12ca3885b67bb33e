import { create } from "@bufbuild/protobuf";
import {
  StandingSchema,
  type Standing as WireStanding,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MAX_MESH_PATH_REGIONS, MAX_SECTIONS_PER_REGION } from "../../../shared/limits.js";
import { integer, list, malformed, regionName } from "../../digest/wire-check.js";
import { decodeIncarnation, encodeIncarnation } from "../../digest/wire-version.js";
import type { Standing } from "./standing.js";

/** A standing for the wire. */
export function encodeStanding(standing: Standing): WireStanding {
  return create(StandingSchema, {
    region: standing.region,
    incarnation: encodeIncarnation(standing.incarnation),
    revision: BigInt(standing.revision),
    sections: standing.sections,
    ...(standing.ageMs === undefined ? {} : { ageMs: standing.ageMs }),
    path: [...standing.path],
    ...(standing.rttMs === undefined ? {} : { rttMs: standing.rttMs }),
  });
}

/** Checks a standing. Throws INVALID_ARGUMENT naming the field below `where`. */
export function decodeStanding(message: WireStanding, where: string): Standing {
  const revision = integer(message.revision, 0, `${where}.revision`);
  if (message.sections > MAX_SECTIONS_PER_REGION) {
    malformed(`${where}.sections`, `is ${message.sections}`);
  }
  const { ageMs, rttMs } = message;
  duration(ageMs, `${where}.age_ms`);
  duration(rttMs, `${where}.rtt_ms`);
  const path = list(message.path, MAX_MESH_PATH_REGIONS, `${where}.path`);
  path.forEach((region, index) => regionName(region, `${where}.path[${index}]`));
  return {
    region: regionName(message.region, `${where}.region`),
    incarnation: decodeIncarnation(message.incarnation, `${where}.incarnation`),
    revision,
    sections: message.sections,
    ageMs,
    path: [...path],
    rttMs,
  };
}

function duration(ms: number | undefined, where: string): void {
  if (ms !== undefined && !(ms >= 0 && Number.isFinite(ms))) {
    malformed(where, `is ${ms}; it must be finite and not negative`);
  }
}
