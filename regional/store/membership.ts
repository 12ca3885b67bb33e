import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Member, MemberSchema } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { ConfState } from "../raft/types.js";
import { type BackendRecord, RecordTable } from "./records.js";
import { DECODE_OPTIONS } from "./wire.js";

/** The attributes of a member; `peerUrls` and `clientUrls` in the order given. */
export interface MemberAttributes {
  readonly id: number;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** The attributes in an encoded Member; undefined when its id isn't one. Throws when malformed. */
export function decodeMember(bytes: Uint8Array): MemberAttributes | undefined {
  const member: Member = fromBinary(MemberSchema, bytes, DECODE_OPTIONS);
  const id = Number(member.ID);
  if (id === 0 || !Number.isSafeInteger(id)) return undefined;
  return { id, name: member.name, peerUrls: member.peerURLs, clientUrls: member.clientURLs };
}

/** The record of a member, or of its removal. */
function memberRecord(id: number, attributes: MemberAttributes | undefined): BackendRecord {
  if (attributes === undefined) return { table: RecordTable.members, key: id, value: null };
  const member = create(MemberSchema, {
    ID: BigInt(id),
    name: attributes.name,
    peerURLs: [...attributes.peerUrls],
    clientURLs: [...attributes.clientUrls],
  });
  return { table: RecordTable.members, key: id, value: toBinary(MemberSchema, member) };
}

/** Every member of a configuration, in whatever role. */
function memberIds(confState: ConfState): Set<number> {
  const { voters, learners, votersOutgoing, learnersNext } = confState;
  return new Set([...voters, ...learners, ...votersOutgoing, ...learnersNext]);
}

/** Who belongs to the group, and what its members say of themselves. */
export class Membership {
  confState: ConfState;
  readonly #attributes = new Map<number, MemberAttributes>();

  constructor(confState: ConfState) {
    this.confState = confState;
  }

  /** Attributes that were published, in order of id. */
  members(): MemberAttributes[] {
    return [...this.#attributes.values()].sort((a, b) => a.id - b.id);
  }

  /** Puts a member's attributes; undefined when it isn't in the configuration. */
  update(attributes: MemberAttributes): BackendRecord | undefined {
    if (!memberIds(this.confState).has(attributes.id)) return undefined;
    this.#attributes.set(attributes.id, attributes);
    return memberRecord(attributes.id, attributes);
  }

  /** Puts another configuration; the attributes of those who left go. */
  reconfigure(confState: ConfState): BackendRecord[] {
    this.confState = confState;
    const stay = memberIds(confState);
    const gone = this.members().filter(({ id }) => !stay.has(id));
    for (const { id } of gone) this.#attributes.delete(id);
    return gone.map(({ id }) => memberRecord(id, undefined));
  }

  /** All members' records, in order of id. */
  records(): BackendRecord[] {
    return this.members().map((member) => memberRecord(member.id, member));
  }
}
