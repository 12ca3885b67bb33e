import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { IncarnationSchema } from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { type Hello, SyncResponseSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Attack, AttackClass } from "../attack.js";

/** First words of a gateway that isn't what it says, or can't be. */
const LIES: readonly Partial<Hello>[] = [
  { region: "north" },
  { region: "east", gateway: "east-g0" },
  { region: "mars" },
  { region: "" },
  { gateway: "" },
  { gateway: "x".repeat(5_000) },
  { protocolMin: 2, protocolMax: 9 },
  { protocolMin: 0, protocolMax: 0 },
  { protocolMin: 4_294_967_295, protocolMax: 4_294_967_295 },
  { incarnation: create(IncarnationSchema, { counter: 0n, nonce: new Uint8Array(16) }) },
  { incarnation: create(IncarnationSchema, { counter: 1n, nonce: new Uint8Array(5) }) },
];

/** Says who it is wrongly, to everybody who dials. */
export const liesInHello: AttackClass = ({ random }) => {
  const lie = random.pick(LIES);
  return lyingAtFirst(`a hello with ${Object.keys(lie).join(" and ")} made up`, (frame) => {
    const message = fromBinary(SyncResponseSchema, frame);
    if (message.hello !== undefined) Object.assign(message.hello, lie);
    return toBinary(SyncResponseSchema, message);
  });
};

/** Says everything but who it is. */
export const noHello: AttackClass = () =>
  lyingAtFirst("no hello", (frame) => {
    const message = fromBinary(SyncResponseSchema, frame);
    delete message.hello;
    return toBinary(SyncResponseSchema, message);
  });

function lyingAtFirst(what: string, lie: (frame: Uint8Array) => Uint8Array): Attack {
  return {
    what,
    redials: true,
    tamper: (frame, isFirst) => [isFirst ? lie(frame) : frame],
  };
}
