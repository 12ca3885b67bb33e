import { create, toBinary } from "@bufbuild/protobuf";
import { prefixEnd, utf8 } from "../../../shared/bytes.js";
import {
  GlobalService,
  SubscribeRequestSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { Watch, WatchRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { methodPath } from "../../../shared/rpc/service.js";
import { FieldReader } from "./field-reader.js";

/** Who is subscribed to: a gateway's summary, or keys of etcd. */
export type Dialect = "atoll" | "etcd";

/** What one message tells a subscriber. */
export interface Delivered {
  /** The numbers of the puts whose state it brings, one a group. */
  readonly puts: readonly number[];
  /** The subscription stands: what changes from now on will come. */
  readonly stands: boolean;
}

export const BENCH_PREFIX = "/bench/";
export const BENCH_SUMMARY = "bench";

/** The puts' numbers as a summary shows them: one group a record, the highest number in it. */
export const BENCH_DEFINITION = `name: ${BENCH_SUMMARY}
prefix: ${BENCH_PREFIX}
groupBy: [value.group]
measures:
  records: count()
  newest: max(value.n)
`;

const VALUE_BYTES = 130;
const NUMBER_AT = '{"n":'.length;
const COMMA = 0x2c;
const ZERO = 0x30;

/** Key and value of the put with this number: of group `put % groups`, 130 bytes. */
export function benchRecord(put: number, groups: number): { key: string; value: string } {
  const group = `g${String(put % groups).padStart(4, "0")}`;
  const begin = `{"n":${put},"group":"${group}","host":"`;
  return {
    key: `${BENCH_PREFIX}${group}`,
    value: `${begin}${"h".repeat(VALUE_BYTES - begin.length - 2)}"}`,
  };
}

/** The request path of a subscription. */
export function subscriptionPath(dialect: Dialect): string {
  return methodPath(dialect === "atoll" ? GlobalService.method.subscribe : Watch.method.watch);
}

/** The request of a subscription to all of the bench's groups. */
export function subscriptionRequest(dialect: Dialect): Uint8Array {
  if (dialect === "atoll") {
    return toBinary(
      SubscribeRequestSchema,
      create(SubscribeRequestSchema, { summaries: [BENCH_SUMMARY] }),
    );
  }
  const key = utf8(BENCH_PREFIX);
  const value = { key, rangeEnd: prefixEnd(key) };
  return toBinary(
    WatchRequestSchema,
    create(WatchRequestSchema, { requestUnion: { case: "createRequest", value } }),
  );
}

/** Reads messages of a subscription; equal ones in a row once. */
export class DeliveryReader {
  readonly #read: (message: Buffer) => Delivered;
  /** What was read last: subscribers beside each other get the same. */
  readonly #known: { readonly message: Buffer; readonly delivered: Delivered }[] = [];

  constructor(dialect: Dialect) {
    this.#read = dialect === "atoll" ? readResponse : readWatch;
  }

  read(message: Buffer): Delivered {
    const known = this.#known.find((entry) => entry.message.equals(message));
    if (known !== undefined) return known.delivered;
    const delivered = this.#read(message);
    this.#known.unshift({ message: Buffer.from(message), delivered });
    if (this.#known.length > KNOWN_MESSAGES) this.#known.pop();
    return delivered;
  }
}

const KNOWN_MESSAGES = 4;

/** atoll.global.v1.SubscribeResponse */
function readResponse(message: Buffer): Delivered {
  const puts: number[] = [];
  let stands = false;
  for (const event = new FieldReader(message); event.next(); ) {
    for (const field = event.message(); field.next(); ) {
      if (event.number === 1 && field.number === 5) puts.push(newestOf(field.message()));
      if (event.number === 2 && field.number === 3) stands = field.isTrue();
    }
  }
  return { puts, stands };
}

/** The second cell of a Group: an Extreme. */
function newestOf(group: FieldReader): number {
  let newest = Number.NaN;
  while (group.next()) {
    if (group.number !== 2) continue;
    for (const cell = group.message(); cell.next(); ) {
      if (cell.number !== 4) continue;
      const extreme = cell.message();
      if (extreme.next()) newest = extreme.double();
    }
  }
  return newest;
}

/** etcdserverpb.WatchResponse */
function readWatch(message: Buffer): Delivered {
  const puts: number[] = [];
  let stands = false;
  for (const response = new FieldReader(message); response.next(); ) {
    if (response.number === 3) stands = response.isTrue();
    if (response.number !== 11) continue;
    for (const event = response.message(); event.next(); ) {
      if (event.number !== 2) continue;
      for (const kv = event.message(); kv.next(); ) {
        if (kv.number === 5) puts.push(numberAt(message, kv.start + NUMBER_AT));
      }
    }
  }
  return { puts, stands };
}

function numberAt(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start; bytes[at] !== COMMA; at++) value = value * 10 + (bytes[at] as number) - ZERO;
  return value;
}
