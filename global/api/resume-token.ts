import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type RegionMark,
  RegionMarkSchema,
  ResumeTokenSchema,
  SummaryMarkSchema,
  type ResumeToken as TokenMessage,
} from "../../shared/gen/atoll/global/v1/resume_pb.js";
import { bytesFromHex, hexFromBytes } from "../digest/hash.js";
import type { Version } from "../digest/version.js";
import type { MergedSnapshot } from "../view/merged-summary.js";

const FORMAT = 1;

/** Where a consumer stands in one region's section of a summary. */
export interface PartPlace {
  /** The version that was merged. */
  readonly version: Version;
  /** The groups at this revision of the same line were the same ones. */
  readonly sameSince: number;
}

/** Where a consumer stands in one summary. */
export interface SummaryPlace {
  /** Fingerprint of the definition that its merged groups are of. */
  readonly fingerprint: string;
  /** By region. */
  readonly parts: ReadonlyMap<string, PartPlace>;
}

/** Where a consumer stands, by summary. */
export type Places = ReadonlyMap<string, SummaryPlace>;

/**
 * Where a consumer stands that was told this; undefined when nothing was published. With
 * each part's version goes since when its groups are the same: what moved on without news,
 * as each second, needn't be known to whoever the consumer goes on at, such as a gateway
 * that was killed and has saved no more than that.
 */
export function placeOf({ schema, parts }: MergedSnapshot): SummaryPlace | undefined {
  if (schema === undefined) return undefined;
  const places = new Map<string, PartPlace>();
  for (const [region, { version, sameSince }] of parts) places.set(region, { version, sameSince });
  return { fingerprint: schema.fingerprint, parts: places };
}

/** Writes a token. `filter` is the fingerprint, in hexadecimal, of what the consumer asked for. */
export function encodeToken(filter: string, places: Places): Uint8Array {
  const marks = new RegionMarks();
  for (const { parts } of places.values()) {
    for (const [region, { version }] of parts) marks.add(region, version);
  }
  const message = create(ResumeTokenSchema, {
    format: FORMAT,
    filter: bytesFromHex(filter),
    regions: [...marks.list],
    summaries: [...places].map(([summary, { fingerprint, parts }]) =>
      create(SummaryMarkSchema, {
        summary,
        fingerprint: bytesFromHex(fingerprint),
        parts: [...parts].map(([region, { version, sameSince }]) => {
          const index = marks.indexOf(region, version);
          return {
            region: index,
            definition: BigInt(version.definition),
            foldSemantics: version.foldSemantics,
            behind: (marks.list[index] as RegionMark).revision - BigInt(version.revision),
            unchanged: BigInt(version.revision - sameSince),
          };
        }),
      }),
    ),
  });
  return toBinary(ResumeTokenSchema, message);
}

/** Reads a token; undefined when it isn't one, or not of these filters. */
export function decodeToken(bytes: Uint8Array, filter: string): Places | undefined {
  let message: TokenMessage;
  try {
    message = fromBinary(ResumeTokenSchema, bytes);
  } catch {
    return undefined;
  }
  if (message.format !== FORMAT || hexFromBytes(message.filter) !== filter) return undefined;
  const places = new Map<string, SummaryPlace>();
  for (const { summary, fingerprint, parts } of message.summaries) {
    const partPlaces = new Map<string, PartPlace>();
    for (const part of parts) {
      const mark = message.regions[part.region];
      if (mark === undefined) return undefined;
      const revision = Number(mark.revision - part.behind);
      const sameSince = revision - Number(part.unchanged);
      if (!Number.isSafeInteger(revision) || !Number.isSafeInteger(sameSince)) return undefined;
      const incarnation = {
        counter: Number(mark.counter),
        nonce: hexFromBytes(mark.nonce),
        baseRevision: 0,
        parentNonce: "",
      };
      const definition = Number(part.definition);
      const { foldSemantics } = part;
      const version = { incarnation, definition, foldSemantics, revision };
      partPlaces.set(mark.region, { version, sameSince });
    }
    places.set(summary, { fingerprint: hexFromBytes(fingerprint), parts: partPlaces });
  }
  return places;
}

/** Each life of a region that a token speaks of, once, at the highest revision. */
class RegionMarks {
  readonly list: RegionMark[] = [];
  readonly #indices = new Map<string, number>();

  add(region: string, { incarnation, revision }: Version): void {
    const key = `${region}\n${incarnation.nonce}`;
    const known = this.list[this.#indices.get(key) ?? -1];
    if (known !== undefined) {
      if (known.revision < BigInt(revision)) known.revision = BigInt(revision);
      return;
    }
    this.#indices.set(key, this.list.length);
    const mark = create(RegionMarkSchema, {
      region,
      counter: BigInt(incarnation.counter),
      nonce: bytesFromHex(incarnation.nonce),
      revision: BigInt(revision),
    });
    this.list.push(mark);
  }

  indexOf(region: string, { incarnation }: Version): number {
    return this.#indices.get(`${region}\n${incarnation.nonce}`) ?? 0;
  }
}
