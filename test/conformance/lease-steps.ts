import { utf8 } from "../../shared/bytes.js";
import { KV, Lease } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type Step, step } from "./raw.js";

const { leaseGrant, leaseRevoke, leaseTimeToLive, leaseLeases } = Lease.method;
const { put, range, deleteRange } = KV.method;

/** Leases, in order, on the store that the other steps left. */
export const LEASE_STEPS: readonly Step[] = [
  step("no leases", leaseLeases, {}),
  step("grant", leaseGrant, { ID: 101n, TTL: 1_000n }),
  step("grant of an id that is there", leaseGrant, { ID: 101n, TTL: 5_000n }),
  step("grant of zero seconds", leaseGrant, { ID: 102n, TTL: 0n }),
  step("grant of negative seconds", leaseGrant, { ID: 103n, TTL: -1n }),
  step("grant of one second", leaseGrant, { ID: 104n, TTL: 1n }),
  step("grant of the longest time", leaseGrant, { ID: 105n, TTL: 9_000_000_000n }),
  step("grant of too long a time", leaseGrant, { ID: 106n, TTL: 9_000_000_001n }),
  step("grant of a negative id", leaseGrant, { ID: -107n, TTL: 1_000n }),
  step("time to live", leaseTimeToLive, { ID: 101n }),
  step("time to live with no keys", leaseTimeToLive, { ID: 101n, keys: true }),
  step("time to live of an unknown lease", leaseTimeToLive, { ID: 999n, keys: true }),
  step("put with the lease", put, { key: utf8("l/b"), value: utf8("1"), lease: 101n }),
  step("put with the lease too", put, { key: utf8("l/a"), value: utf8("2"), lease: 101n }),
  step("put with the longest lease", put, { key: utf8("l/c"), value: utf8("3"), lease: 105n }),
  step("keys with leases", range, { key: utf8("l/"), rangeEnd: utf8("l0") }),
  step("put that keeps the lease", put, {
    key: utf8("l/a"),
    value: utf8("4"),
    ignoreLease: true,
    prevKv: true,
  }),
  step("put that drops the lease", put, { key: utf8("l/b"), value: utf8("5") }),
  step("time to live with one key", leaseTimeToLive, { ID: 101n, keys: true }),
  step("put that moves to another lease", put, { key: utf8("l/b"), lease: 101n }),
  step("put that moves it again", put, { key: utf8("l/b"), lease: 105n }),
  step("delete of a key with a lease", deleteRange, { key: utf8("l/c"), prevKv: true }),
  step("time to live of the other", leaseTimeToLive, { ID: 105n, keys: true }),
  step("put two more", put, { key: utf8("l/d"), lease: 101n }),
  step("put two more", put, { key: utf8("l/e"), lease: 101n }),
  step("revoke", leaseRevoke, { ID: 101n }),
  step("revoke again", leaseRevoke, { ID: 101n }),
  step("keys after the revocation", range, { key: utf8("l/"), rangeEnd: utf8("l0") }),
  step("keys before the revocation", range, {
    key: utf8("l/"),
    rangeEnd: utf8("l0"),
    revision: 35n,
  }),
  step("revoke of a lease without keys", leaseRevoke, { ID: -107n }),
  step("revoke of the longest", leaseRevoke, { ID: 105n }),
  step("revoke of zero", leaseRevoke, {}),
  step("the revision afterwards", range, { key: utf8("l/") }),
];
