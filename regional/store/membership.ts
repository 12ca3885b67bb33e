import { MAX_LEARNERS } from "../../shared/limits.js";
import type { ConfState } from "../raft/types.js";
import { ETCD_ERRORS, type EtcdError } from "./etcd-errors.js";
import type { MemberChange } from "./member-change.js";
import { encodeMember, type MemberAttributes } from "./member-message.js";
import { type BackendRecord, RecordTable } from "./records.js";

function recordOf(
  table: typeof RecordTable.members | typeof RecordTable.removedMembers,
  member: MemberAttributes,
): BackendRecord {
  return { table, key: member.id, value: encodeMember(member) };
}

/** Every member of a configuration, in whatever role. */
export function memberIds(confState: ConfState): Set<number> {
  const { voters, learners, votersOutgoing, learnersNext } = confState;
  return new Set([...voters, ...learners, ...votersOutgoing, ...learnersNext]);
}

/** Who belongs to the group, what is known of its members, and who was removed from it. */
export class Membership {
  confState: ConfState;
  readonly #attributes = new Map<number, MemberAttributes>();
  /** Ids are never used again, so nobody ever leaves this. */
  readonly #removed = new Map<number, MemberAttributes>();

  constructor(confState: ConfState) {
    this.confState = confState;
  }

  /** What is known of members, in order of id. */
  members(): MemberAttributes[] {
    return [...this.#attributes.values()].sort((a, b) => a.id - b.id);
  }

  get(id: number): MemberAttributes | undefined {
    return this.#attributes.get(id);
  }

  isMember(id: number): boolean {
    return memberIds(this.confState).has(id);
  }

  isRemoved(id: number): boolean {
    return this.#removed.has(id);
  }

  /** Puts all that is known of a member; undefined when it isn't in the configuration. */
  put(member: MemberAttributes): BackendRecord | undefined {
    if (!this.isMember(member.id)) return undefined;
    this.#attributes.set(member.id, member);
    return recordOf(RecordTable.members, member);
  }

  /** Puts a member that was removed; false when it is in the configuration. */
  putRemoved(member: MemberAttributes): boolean {
    if (this.isMember(member.id)) return false;
    this.#removed.set(member.id, member);
    return true;
  }

  /** A member says how it is called and where clients reach it. */
  publish({ id, name, clientUrls }: MemberAttributes): BackendRecord | EtcdError {
    const peerUrls = this.#attributes.get(id)?.peerUrls ?? [];
    return this.put({ id, name, peerUrls, clientUrls }) ?? ETCD_ERRORS.memberNotFound;
  }

  /** A member is to be reached by others elsewhere from now on. */
  move({ id, peerUrls }: MemberAttributes): BackendRecord | EtcdError {
    if (!this.isMember(id)) return ETCD_ERRORS.memberNotFound;
    if (this.#areTaken(peerUrls, id)) return ETCD_ERRORS.peerUrlExists;
    const { name, clientUrls } = this.#attributes.get(id) ?? { name: "", clientUrls: [] };
    return this.put({ id, name, peerUrls, clientUrls }) ?? ETCD_ERRORS.memberNotFound;
  }

  /**
   * Why a change must not be made, or undefined when it may be (etcd
   * `server/etcdserver/api/membership/cluster.go`, ValidateConfigurationChange).
   */
  refusal({ kind, member, isLearner }: MemberChange): EtcdError | undefined {
    const { id, peerUrls } = member;
    if (this.isRemoved(id)) return ETCD_ERRORS.memberNotFound;
    if (kind === "add") {
      if (this.isMember(id)) return ETCD_ERRORS.memberExists;
      if (this.#areTaken(peerUrls, id)) return ETCD_ERRORS.peerUrlExists;
      const { learners, learnersNext } = this.confState;
      if (isLearner && learners.length + learnersNext.length >= MAX_LEARNERS) {
        return ETCD_ERRORS.tooManyLearners;
      }
      return undefined;
    }
    if (!this.isMember(id)) return ETCD_ERRORS.memberNotFound;
    if (kind === "promote" && !this.confState.learners.includes(id)) {
      return ETCD_ERRORS.memberNotLearner;
    }
    return undefined;
  }

  #areTaken(peerUrls: readonly string[], except: number): boolean {
    const others = this.members().filter(({ id }) => id !== except);
    return others.some((other) => other.peerUrls.some((url) => peerUrls.includes(url)));
  }

  /** Puts another configuration; who is added with it comes along, who left is remembered. */
  reconfigure(confState: ConfState, added?: MemberAttributes): BackendRecord[] {
    const before = memberIds(this.confState);
    this.confState = confState;
    const stay = memberIds(confState);
    const records: BackendRecord[] = [];
    for (const id of [...before].sort((a, b) => a - b)) {
      if (stay.has(id)) continue;
      const member = this.#attributes.get(id) ?? { id, name: "", peerUrls: [], clientUrls: [] };
      this.#attributes.delete(id);
      this.#removed.set(id, member);
      records.push({ table: RecordTable.members, key: id, value: null });
      records.push(recordOf(RecordTable.removedMembers, member));
    }
    const record = added === undefined ? undefined : this.put(added);
    if (record !== undefined) records.push(record);
    return records;
  }

  /** All members' records, in order of id. */
  records(): BackendRecord[] {
    return this.members().map((member) => recordOf(RecordTable.members, member));
  }

  /** The records of those who were removed, in order of id. */
  removedRecords(): BackendRecord[] {
    return [...this.#removed.values()]
      .sort((a, b) => a.id - b.id)
      .map((member) => recordOf(RecordTable.removedMembers, member));
  }
}
