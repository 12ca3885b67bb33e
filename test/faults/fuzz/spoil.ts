import { type DescField, ScalarType } from "@bufbuild/protobuf";
import {
  isReflectList,
  isReflectMessage,
  type ReflectList,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect";
import type { SyncResponse } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Random } from "../../../shared/random.js";

interface Place {
  readonly message: ReflectMessage;
  readonly field: DescField;
}

const UNSIGNED = [0n, 1n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const SIGNED = [0n, -1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
const SMALL = [0, 1, 2, 4_096, 65_536, 2 ** 31 - 1];
const DOUBLES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, -1, 1e308];
const TEXTS = ["", "\0", "a\nb", "../west", "West", "é", "[1, 2]", '["a"', "x".repeat(70_000)];
/** Copies of an element that a list is blown up to. */
const MANY = 5_000;

/**
 * Changes one field, somewhere in a frame, to what it may not be, or to what it may well be
 * but isn't; gives the field's name. All that is set is as likely to be picked.
 */
export function spoil(frame: SyncResponse, random: Random): string {
  const places: Place[] = [];
  collect(reflect(SyncResponseSchema, frame), places);
  if (places.length === 0) return "nothing";
  const { message, field } = random.pick(places);
  if (random.chance(0.1)) message.clear(field);
  else if (field.fieldKind === "list") spoilList(message.get(field), field, random);
  else if (field.fieldKind === "message") message.clear(field);
  else message.set(field, spoiltValue(message.get(field), field, random));
  return `${field.parent.name}.${field.name}`;
}

function collect(message: ReflectMessage, into: Place[]): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    into.push({ message, field });
    const value: unknown = message.get(field);
    const parts = isReflectList(value) ? [...value] : [value];
    for (const part of parts) if (isReflectMessage(part)) collect(part, into);
  }
}

function spoilList(list: ReflectList, field: DescField, random: Random): void {
  const at = random.int(list.size);
  switch (random.int(5)) {
    case 0:
      list.add(list.get(at));
      return;
    case 1: {
      const other = random.int(list.size);
      const [one, two] = [list.get(at), list.get(other)];
      list.set(at, two);
      list.set(other, one);
      return;
    }
    case 2:
      for (let i = 0; i < MANY; i++) list.add(list.get(at));
      return;
    case 3: {
      const rest = [...list].filter((_, index) => index !== at);
      list.clear();
      for (const one of rest) list.add(one);
      return;
    }
    default:
      if (!isReflectMessage(list.get(at))) list.set(at, spoiltValue(list.get(at), field, random));
  }
}

function spoiltValue(value: unknown, field: DescField, random: Random): unknown {
  switch (field.scalar) {
    case ScalarType.UINT64:
      return random.pick(UNSIGNED);
    case ScalarType.SINT64:
    case ScalarType.INT64:
      return random.pick(SIGNED);
    case ScalarType.UINT32:
      return random.pick([...SMALL, 2 ** 32 - 1]);
    case ScalarType.DOUBLE:
      return random.pick(DOUBLES);
    case ScalarType.STRING:
      return random.pick(TEXTS);
    case ScalarType.BOOL:
      return value !== true;
    case ScalarType.BYTES:
      return spoiltBytes(value as Uint8Array, random);
    default:
      return random.pick(SMALL);
  }
}

function spoiltBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const at = random.int(Math.max(1, copy.length));
  switch (random.int(5)) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return copy.subarray(0, at);
    case 2:
      // An overlong varint, where the bytes hold any.
      return Uint8Array.from([
        ...copy.subarray(0, at),
        0x80,
        0x80,
        0x80,
        0x00,
        ...copy.subarray(at),
      ]);
    case 3:
      return Uint8Array.from([...copy, ...Array.from({ length: 40 }, () => 0xff)]);
    default:
      if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << random.int(8));
      return copy;
  }
}
