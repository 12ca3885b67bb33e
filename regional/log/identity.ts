/** Whose data a directory holds. */
export interface Identity {
  readonly clusterId: bigint;
  /** A safe integer. */
  readonly memberId: number;
}

/** An identity as it is written into files: lower-case hexadecimal, as etcd prints ids. */
export interface FileIdentity {
  readonly cluster: string;
  readonly member: string;
}

/** The written form of an identity. */
export function fileIdentity({ clusterId, memberId }: Identity): FileIdentity {
  return { cluster: clusterId.toString(16), member: memberId.toString(16) };
}
