import { toBinary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { CommandKind } from "../../../regional/store/command.js";
import type { RegionState } from "../../../regional/store/state.js";
import {
  PutRequestSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Action } from "./arbitraries.js";
import type { Model } from "./model.js";
import { bytes, command, type Driver, encode, plainOutcome } from "./support.js";

/** The entry's data for an action; undefined for one that is not a command. */
export function commandOf(next: Action, state: RegionState): Uint8Array | undefined {
  switch (next.do) {
    case "put":
      return encode(CommandKind.put, toBinary(PutRequestSchema, next.request));
    case "delete":
      return command.deleteRange({
        key: bytes(next.key),
        rangeEnd: bytes(next.end),
        prevKv: next.prevKv,
      });
    case "txn":
      return encode(CommandKind.txn, toBinary(TxnRequestSchema, next.request));
    case "compact":
      return command.compact(BigInt(state.currentRevision - next.back));
    case "grant":
      return command.grant(next.lease, 10n);
    case "revoke":
      return command.revoke(next.lease);
    case "expire":
      return command.expire(1, next.leases);
    case "range":
    case "tidy":
    case "reload":
    case "crash":
      return undefined;
  }
}

/** Does one thing to a state and to the model, and compares what they say to it. */
export function perform(driver: Driver, model: Model, next: Action): void {
  const data = commandOf(next, driver.state);
  const expected = expectedOf(model, next);
  if (data !== undefined) expect(plainOutcome(driver.apply(data))).toEqual(expected);
  else if (next.do === "range") {
    expect(plainOutcome(driver.state.range(next.request))).toEqual(expected);
  } else if (next.do === "tidy") driver.state.tidy();
}

/** What the model says to an action. */
function expectedOf(model: Model, next: Action): unknown {
  switch (next.do) {
    case "put":
      return model.put(next.request);
    case "delete":
      return model.delete(next.key, next.end, next.prevKv);
    case "txn":
      return model.txn(next.request);
    case "range":
      return model.range(next.request);
    case "compact":
      return model.compact(model.revision - next.back);
    case "grant":
      return model.grant(next.lease, 10);
    case "revoke":
      return model.revoke(next.lease);
    case "expire":
      return model.expire(next.leases);
    case "tidy":
    case "reload":
    case "crash":
      return undefined;
  }
}
