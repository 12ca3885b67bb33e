import { utf8 } from "../../shared/bytes.js";
import {
  KV,
  RangeRequest_SortOrder as Order,
  RangeRequest_SortTarget as Target,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { after, type Step, step } from "./raw.js";

const { range, put, deleteRange, compact } = KV.method;
const key = utf8("k/");
const rangeEnd = utf8("k0");
const all = { key, rangeEnd };
const ZERO = new Uint8Array(1);

function putStep(name: string, value: string): Step {
  return step(`put ${name}`, put, { key: utf8(name), value: utf8(value) });
}

/** Every sort target in every order. */
function sortSteps(): Step[] {
  const steps: Step[] = [];
  for (const target of [Target.KEY, Target.VERSION, Target.CREATE, Target.MOD, Target.VALUE]) {
    for (const order of [Order.NONE, Order.ASCEND, Order.DESCEND]) {
      const sort = { ...all, sortTarget: target, sortOrder: order };
      steps.push(step(`range sorted by ${Target[target]} ${Order[order]}`, range, sort));
      const few = { ...sort, limit: 2n };
      steps.push(step(`two of a range by ${Target[target]} ${Order[order]}`, range, few));
    }
  }
  return steps;
}

/** Range, Put, DeleteRange and Compact, in order, on an empty cluster. */
export const KV_STEPS: readonly Step[] = [
  step("range of an empty store", range, { key: utf8("k/a") }),
  step("range without a key", range, {}),
  step("put without a key", put, { value: utf8("v") }),
  step("delete without a key", deleteRange, {}),
  step("delete of nothing", deleteRange, { key: utf8("k/a") }),
  step("compaction of an empty store at its revision", compact, { revision: 1n }),
  putStep("k/b", "2"),
  putStep("k/a", "3"),
  putStep("k/d", "1"),
  putStep("k/c", "3"),
  putStep("k/a", "0"),
  putStep("k/", "at the prefix"),
  putStep("other", "elsewhere"),
  step("put of an empty value with the previous one", put, { key: utf8("k/d"), prevKv: true }),
  step("put of a new key with the previous one", put, { key: utf8("k/e"), prevKv: true }),
  step("put that keeps the value", put, { key: utf8("k/c"), ignoreValue: true, prevKv: true }),
  step("put that keeps the value of nothing", put, { key: utf8("none"), ignoreValue: true }),
  step("put that keeps the value and gives one", put, {
    key: utf8("k/c"),
    value: utf8("v"),
    ignoreValue: true,
  }),
  step("put that keeps the lease of nothing", put, { key: utf8("none"), ignoreLease: true }),
  step("put that keeps the lease and gives one", put, {
    key: utf8("k/c"),
    lease: 7n,
    ignoreLease: true,
  }),
  step("put that keeps the lease of a key without one", put, {
    key: utf8("k/c"),
    value: utf8("v"),
    ignoreLease: true,
  }),
  step("put with an unknown lease", put, { key: utf8("k/c"), lease: 12345n }),
  step("put with a negative lease", put, { key: utf8("k/c"), lease: -1n }),

  step("put that is too large", put, { key: utf8("k/l"), value: new Uint8Array(1_600_000) }),
  step("put that is not quite too large", put, {
    key: utf8("large"),
    value: new Uint8Array(1_570_000),
  }),
  step("delete whose key is too large", deleteRange, { key: new Uint8Array(1_600_000) }),
  step("range whose key is too large to be written", range, { key: new Uint8Array(1_600_000) }),

  step("range of one key", range, { key: utf8("k/a") }),
  step("range of a prefix", range, all),
  after(
    step("a linearizable read, so that the member has caught up", range, all),
    step("range that is serializable", range, { ...all, serializable: true }),
  ),
  step("range from a key on", range, { key: utf8("k/c"), rangeEnd: ZERO }),
  step("range of everything", range, { key: ZERO, rangeEnd: ZERO }),
  step("range whose end is its key", range, { key, rangeEnd: key }),
  step("range whose end is before its key", range, { key: rangeEnd, rangeEnd: key }),
  step("range with a limit", range, { ...all, limit: 2n }),
  step("range with a limit that is just met", range, { ...all, limit: 6n }),
  step("range with a negative limit", range, { ...all, limit: -1n }),
  step("range of keys only", range, { ...all, keysOnly: true }),
  step("range of keys only by value", range, {
    ...all,
    keysOnly: true,
    sortTarget: Target.VALUE,
    sortOrder: Order.DESCEND,
  }),
  step("count only", range, { ...all, countOnly: true }),
  step("count only with a limit", range, { ...all, countOnly: true, limit: 1n }),
  step("count only at a revision", range, { ...all, countOnly: true, revision: 3n }),
  step("range at an old revision", range, { ...all, revision: 4n }),
  step("range at the first revision", range, { ...all, revision: 1n }),
  step("range at a negative revision", range, { ...all, revision: -5n }),
  step("range at the current revision", range, { ...all, revision: 12n }),
  step("range at a future revision", range, { ...all, revision: 1_000n }),
  step("range with a least modification", range, { ...all, minModRevision: 6n }),
  step("range with a greatest modification", range, { ...all, maxModRevision: 6n }),
  step("range with a least creation", range, { ...all, minCreateRevision: 4n }),
  step("range with a greatest creation", range, { ...all, maxCreateRevision: 4n }),
  step("range with modification bounds and a limit", range, {
    ...all,
    minModRevision: 3n,
    maxModRevision: 9n,
    limit: 1n,
  }),
  ...sortSteps(),

  step("delete of one key with its value", deleteRange, { key: utf8("k/a"), prevKv: true }),
  step("delete of it again", deleteRange, { key: utf8("k/a"), prevKv: true }),
  step("range after a delete", range, all),
  step("range before the delete", range, { ...all, revision: 12n }),
  step("delete of a range without values", deleteRange, {
    key: utf8("k/b"),
    rangeEnd: utf8("k/d"),
  }),
  step("delete of a range with values", deleteRange, { ...all, prevKv: true }),
  step("delete of an empty range", deleteRange, { ...all, prevKv: true }),
  putStep("k/a", "again"),
  step("range of a key that came back", range, { key: utf8("k/a") }),
  step("range of it while it was gone", range, { key: utf8("k/a"), revision: 14n }),

  step("compaction of the future", compact, { revision: 1_000n }),
  step("compaction of revision zero", compact, {}),
  step("compaction of a negative revision", compact, { revision: -1n }),
  step("compaction", compact, { revision: 13n }),
  step("compaction again", compact, { revision: 13n }),
  step("compaction of less", compact, { revision: 5n }),
  step("range at a compacted revision", range, { ...all, revision: 12n }),
  step("range at the compaction's revision", range, { ...all, revision: 13n }),
  step("range after the compaction", range, all),
  step("physical compaction", compact, { revision: 15n, physical: true }),
  step("range at the physical compaction's revision", range, { ...all, revision: 15n }),
  step("delete from a key on", deleteRange, { key: utf8("k"), rangeEnd: ZERO, prevKv: true }),
  step("delete of everything", deleteRange, { key: ZERO, rangeEnd: ZERO }),
  step("range of everything that was deleted", range, { key: ZERO, rangeEnd: ZERO }),
];
