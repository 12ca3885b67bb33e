import type {
  CompactionRequest,
  DeleteRangeRequest,
  KV,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";
import { CommandKind } from "../store/command.js";
import type { Outcome } from "../store/outcome.js";
import { KvAnswers } from "./kv-answers.js";
import { checkDelete, checkPut, checkRange, checkTxn } from "./kv-validation.js";
import { expectOutcome, unwrap } from "./outcomes.js";
import { admit, proposeRaw, requireRoom } from "./proposing.js";
import { ResponseHeaders } from "./response-header.js";

/** Whether a transaction may write a pair, in whatever branch. */
function hasPut({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].some(
    ({ request }) =>
      request.case === "requestPut" || (request.case === "requestTxn" && hasPut(request.value)),
  );
}

/**
 * etcd's KV service. Writes pass the request's own bytes on to the log; answers are written
 * from the store's encoded pairs. A transaction of reads goes through the log as well: that
 * makes it linearizable on any member.
 */
export function kvHandlers(node: RegionalNode): Handlers<typeof KV> {
  const answers = new KvAnswers(new ResponseHeaders(node));

  // One function each for all calls, so that a call makes no closures.
  const answerPut = (outcome: Outcome): Uint8Array => answers.put(expectOutcome(outcome, "put"));
  const answerDelete = (outcome: Outcome): Uint8Array =>
    answers.deleteRange(expectOutcome(outcome, "deleteRange"));
  const answerTxn = (outcome: Outcome): Uint8Array => answers.txn(expectOutcome(outcome, "txn"));
  const answerCompaction = (outcome: Outcome): Uint8Array =>
    answers.header(expectOutcome(outcome, "compaction").revision);
  const read = (request: RangeRequest): Uint8Array =>
    answers.range(unwrap(node.state.range(request)));

  return {
    range: (request: RangeRequest, context: CallContext) => {
      admit(node, context, request.serializable);
      checkRange(request);
      if (request.serializable) return read(request);
      return node.linearizable().then(() => read(request));
    },
    put: (request: PutRequest, context: CallContext) => {
      admit(node, context);
      checkPut(request);
      requireRoom(node);
      return proposeRaw(node, CommandKind.put, context).then(answerPut);
    },
    deleteRange: (request: DeleteRangeRequest, context: CallContext) => {
      admit(node, context);
      checkDelete(request);
      return proposeRaw(node, CommandKind.deleteRange, context).then(answerDelete);
    },
    txn: (request: TxnRequest, context: CallContext) => {
      admit(node, context);
      checkTxn(request);
      if (node.lacksRoom && hasPut(request)) requireRoom(node);
      return proposeRaw(node, CommandKind.txn, context).then(answerTxn);
    },
    // `physical` asks to wait until the compacted rows are gone. Nobody can tell here: no
    // read gives them back from the moment that the compaction is applied.
    compact: (_request: CompactionRequest, context: CallContext) => {
      admit(node, context);
      return proposeRaw(node, CommandKind.compaction, context).then(answerCompaction);
    },
  };
}
