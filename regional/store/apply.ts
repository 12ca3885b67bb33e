import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { asBuffer } from "../../shared/bytes.js";
import {
  CompactionRequestSchema,
  DeleteRangeRequestSchema,
  LeaseGrantRequestSchema,
  LeaseRevokeRequestSchema,
  TxnRequestSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { decodeCheckpoint, decodeExpiry } from "../lease/commands.js";
import { updateMember } from "./apply-members.js";
import { COMMAND_HEADER_BYTES, COMMAND_VERSION, CommandKind } from "./command.js";
import { ETCD_ERRORS } from "./etcd-errors.js";
import type { Mvcc } from "./mvcc.js";
import type { Outcome } from "./outcome.js";
import type { StateParts } from "./parts.js";
import { decodePut } from "./put-decoder.js";
import { keyRange } from "./range.js";
import { malformed, refuse } from "./refusal.js";
import { txn } from "./txn.js";
import { DECODE_OPTIONS } from "./wire.js";
import { deleteRange, put, putError } from "./writes.js";

/**
 * Applies a command's data and commits its writes. Never throws for what the data may be:
 * decoding is all that can fail on it, and comes before any change.
 */
export function applyCommand(parts: StateParts, term: number, data: Uint8Array): Outcome {
  const { mvcc } = parts;
  if (data.length === 0) return { kind: "none", revision: mvcc.revision };
  if (data.length < COMMAND_HEADER_BYTES) return refuse(mvcc, malformed("no header"));
  if (data[0] !== COMMAND_VERSION) return refuse(mvcc, malformed(`format version ${data[0]}`));
  const outcome = dispatch(parts, term, asBuffer(data));
  mvcc.commit();
  return outcome;
}

function dispatch(parts: StateParts, term: number, data: Buffer): Outcome {
  const { mvcc } = parts;
  switch (data[1]) {
    case CommandKind.put:
      return applyPut(mvcc, data);
    case CommandKind.deleteRange:
      return withBody(mvcc, DeleteRangeRequestSchema, data, (request) =>
        request.key.length === 0
          ? refuse(mvcc, ETCD_ERRORS.emptyKey)
          : deleteRange(mvcc, keyRange(request.key, request.rangeEnd), request.prevKv),
      );
    case CommandKind.txn:
      return withBody(mvcc, TxnRequestSchema, data, (request) => txn(mvcc, request));
    case CommandKind.compaction:
      return withBody(mvcc, CompactionRequestSchema, data, ({ revision }) =>
        compact(parts, revision),
      );
    case CommandKind.leaseGrant:
      return withBody(mvcc, LeaseGrantRequestSchema, data, (request) => {
        const lease = parts.leases.grant(request);
        if ("code" in lease) return refuse(mvcc, lease);
        return { kind: "leaseGrant", revision: mvcc.revision, id: lease.id, ttl: lease.ttl };
      });
    case CommandKind.leaseRevoke:
      return withBody(mvcc, LeaseRevokeRequestSchema, data, ({ ID }) =>
        parts.leases.revoke(ID)
          ? { kind: "leaseRevoke", revision: mvcc.readRevision }
          : refuse(mvcc, ETCD_ERRORS.leaseNotFound),
      );
    case CommandKind.leaseExpire:
      return expire(parts, term, bodyOf(data));
    case CommandKind.leaseCheckpoint:
      return checkpoint(parts, term, bodyOf(data));
    case CommandKind.memberPublish:
      return updateMember(parts, "publish", bodyOf(data));
    case CommandKind.memberMove:
      return updateMember(parts, "move", bodyOf(data));
    default:
      return refuse(mvcc, malformed(`kind ${data[1]}`));
  }
}

/** A plain Uint8Array: protobuf-es gives bytes fields the type of what they lie in. */
function bodyOf(data: Buffer): Uint8Array {
  return new Uint8Array(
    data.buffer,
    data.byteOffset + COMMAND_HEADER_BYTES,
    data.length - COMMAND_HEADER_BYTES,
  );
}

function withBody<T extends DescMessage>(
  mvcc: Mvcc,
  schema: T,
  data: Buffer,
  run: (request: MessageShape<T>) => Outcome,
): Outcome {
  let request: MessageShape<T>;
  try {
    request = fromBinary(schema, bodyOf(data), DECODE_OPTIONS);
  } catch {
    return refuse(mvcc, malformed(`the body is not a ${schema.name}`));
  }
  return run(request);
}

function applyPut(mvcc: Mvcc, data: Buffer): Outcome {
  let fields: ReturnType<typeof decodePut>;
  try {
    fields = decodePut(data, COMMAND_HEADER_BYTES);
  } catch {
    return refuse(mvcc, malformed("the body is not a PutRequest"));
  }
  const error = putError(mvcc, fields);
  return error === undefined ? put(mvcc, fields) : refuse(mvcc, error);
}

function compact({ mvcc, compactor }: StateParts, revision: bigint): Outcome {
  if (revision <= BigInt(mvcc.compactRevision)) return refuse(mvcc, ETCD_ERRORS.compacted);
  if (revision > BigInt(mvcc.revision)) return refuse(mvcc, ETCD_ERRORS.futureRevision);
  mvcc.compactRevision = Number(revision);
  compactor.begin();
  return { kind: "compaction", revision: mvcc.revision };
}

/** Each lease ends in a revision of its own, as if it were revoked by itself. */
function expire({ mvcc, leases }: StateParts, term: number, body: Uint8Array): Outcome {
  const expiry = decodeExpiry(body);
  if (expiry === undefined) return refuse(mvcc, malformed("the body names no expired leases"));
  const expired: bigint[] = [];
  if (expiry.term === term) {
    for (const id of expiry.ids) {
      if (leases.revoke(id)) expired.push(id);
      mvcc.commit();
    }
  }
  return { kind: "leaseExpire", revision: mvcc.revision, expired };
}

function checkpoint({ mvcc, leases }: StateParts, term: number, body: Uint8Array): Outcome {
  const decoded = decodeCheckpoint(body);
  if (decoded === undefined) return refuse(mvcc, malformed("the body names no remaining times"));
  if (decoded.term === term) {
    for (const { id, remainingTtl } of decoded.items) leases.checkpoint(id, remainingTtl);
  }
  return { kind: "leaseCheckpoint", revision: mvcc.revision };
}
