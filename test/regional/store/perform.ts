import { toBinary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { CommandKind } from "../../../regional/store/command.js";
import {
  PutRequestSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Action } from "./arbitraries.js";
import type { Model } from "./model.js";
import { bytes, command, type Driver, encode, plainOutcome } from "./support.js";

/** Does one thing to a state and to the model, and compares what they say to it. */
export function perform(driver: Driver, model: Model, next: Action): void {
  const compare = (data: Uint8Array, expected: unknown): void => {
    expect(plainOutcome(driver.apply(data))).toEqual(expected);
  };
  switch (next.do) {
    case "put":
      compare(
        encode(CommandKind.put, toBinary(PutRequestSchema, next.request)),
        model.put(next.request),
      );
      return;
    case "delete": {
      const { key, end, prevKv } = next;
      const data = command.deleteRange({ key: bytes(key), rangeEnd: bytes(end), prevKv });
      compare(data, model.delete(key, end, prevKv));
      return;
    }
    case "txn":
      compare(
        encode(CommandKind.txn, toBinary(TxnRequestSchema, next.request)),
        model.txn(next.request),
      );
      return;
    case "range":
      expect(plainOutcome(driver.state.range(next.request))).toEqual(model.range(next.request));
      return;
    case "compact": {
      const revision = model.revision - next.back;
      compare(command.compact(BigInt(revision)), model.compact(revision));
      return;
    }
    case "grant":
      compare(command.grant(next.lease, 10n), model.grant(next.lease, 10));
      return;
    case "revoke":
      compare(command.revoke(next.lease), model.revoke(next.lease));
      return;
    case "expire":
      compare(command.expire(driver.term, next.leases), model.expire(next.leases));
      return;
    case "tidy":
      driver.state.tidy();
      return;
    case "reload":
    case "crash":
      return;
  }
}
