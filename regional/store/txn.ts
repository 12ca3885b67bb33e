import type { RequestOp, TxnRequest } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { holds } from "./compare.js";
import { ETCD_ERRORS, type EtcdError } from "./etcd-errors.js";
import type { Mvcc } from "./mvcc.js";
import type { ErrorOutcome, TxnOpOutcome, TxnOutcome } from "./outcome.js";
import { type PutFields, putFields } from "./put-decoder.js";
import { keyRange, range } from "./range.js";
import { deleteRange, put, putErrorInTxn } from "./writes.js";

/** One step of a transaction whose branch is decided. */
type Step =
  | Exclude<RequestOp["request"], { case: "requestTxn" | "requestPut" }>
  | { readonly case: "put"; readonly fields: PutFields }
  | Plan;

/** A transaction with its branches decided, those of the transactions in it included. */
interface Plan {
  readonly case: "plan";
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

/** Decides all branches by the state before the transaction, as etcd's compareToPath. */
function decide(mvcc: Mvcc, request: TxnRequest): Plan {
  const succeeded = request.compare.every((compare) => holds(mvcc, compare));
  const ops = succeeded ? request.success : request.failure;
  return {
    case: "plan",
    succeeded,
    steps: ops.map(({ request: op }) => {
      if (op.case === "requestTxn") return decide(mvcc, op.value);
      return op.case === "requestPut" ? { case: "put", fields: putFields(op.value) } : op;
    }),
  };
}

type Check = (mvcc: Mvcc, step: Step) => EtcdError | undefined;

const writeError: Check = (mvcc, step) => {
  if (step.case === "put") return putErrorInTxn(mvcc, step.fields);
  if (step.case === "requestDeleteRange" && step.value.key.length === 0) {
    return ETCD_ERRORS.emptyKey;
  }
  return undefined;
};

/** Reads may ask for revisions up to the one before the transaction only. */
const readError: Check = (mvcc, step) => {
  if (step.case !== "requestRange") return undefined;
  if (step.value.key.length === 0) return ETCD_ERRORS.emptyKey;
  const revision = Number(step.value.revision);
  if (revision === 0) return undefined;
  if (revision > mvcc.revision) return ETCD_ERRORS.futureRevision;
  return revision < mvcc.compactRevision ? ETCD_ERRORS.compacted : undefined;
};

/** The first step in order that a check refuses. */
function firstError(mvcc: Mvcc, plan: Plan, check: Check): EtcdError | undefined {
  for (const step of plan.steps) {
    const error = step.case === "plan" ? firstError(mvcc, step, check) : check(mvcc, step);
    if (error !== undefined) return error;
  }
  return undefined;
}

function execute(mvcc: Mvcc, plan: Plan): (TxnOpOutcome | undefined)[] {
  return plan.steps.map((step) => {
    switch (step.case) {
      case "put":
        return put(mvcc, step.fields);
      case "requestDeleteRange":
        return deleteRange(mvcc, keyRange(step.value.key, step.value.rangeEnd), step.value.prevKv);
      case "requestRange": {
        const outcome = range(mvcc, step.value);
        // Checked before; what was written since can't change the answer to that.
        return outcome.kind === "error" ? undefined : outcome;
      }
      case "plan":
        return {
          kind: "txn",
          revision: 0,
          succeeded: step.succeeded,
          responses: execute(mvcc, step),
        };
      default:
        return undefined;
    }
  });
}

/**
 * A transaction (etcd `server/etcdserver/apply.go`, applierV3backend.Txn): all branches
 * are decided and all errors found before anything is written; then its operations see
 * what those before them wrote, and all writes have one revision.
 */
export function txn(mvcc: Mvcc, request: TxnRequest): TxnOutcome | ErrorOutcome {
  const plan = decide(mvcc, request);
  const error = firstError(mvcc, plan, writeError) ?? firstError(mvcc, plan, readError);
  if (error !== undefined) return { kind: "error", revision: mvcc.revision, error };
  const responses = execute(mvcc, plan);
  return { kind: "txn", revision: mvcc.readRevision, succeeded: plan.succeeded, responses };
}
