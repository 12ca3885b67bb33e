import type { Subject } from "./subject.js";

/** What differs between two clusters that behave alike, and what stands in its place. */
const RULES: readonly (readonly [RegExp, string])[] = [
  // addresses of no endpoint of the subject are those of peers
  [/http:\/\/127\.0\.0\.1:\d+/g, "URL"],
  // etcdctl's own log lines
  [/"ts":"[^"]+"/g, '"ts":"TIME"'],
  [/endpoint:\/\/client-[0-9a-f-]{36}\//g, "endpoint://client-UUID/"],
  // took = 1.17ms
  [/took = [0-9.]+[µm]?s/g, "took = DURATION"],
  [/remaining\(\d+s\)/g, "remaining(TIME)"],
  // ids and terms, as json and as fields
  [/"(cluster_id|member_id|leader)":\d+/g, '"$1":ID'],
  [/"(ClusterID|MemberID|Leader)" : \d+/g, '"$1" : ID'],
  [/"(raft_term|raftTerm)":\d+/g, '"$1":TERM'],
  [/"RaftTerm" : \d+/g, '"RaftTerm" : TERM'],
  [/"(raftIndex|raftAppliedIndex)":\d+/g, '"$1":INDEX'],
  [/"(RaftIndex|RaftAppliedIndex)" : \d+/g, '"$1" : INDEX'],
  [/"(dbSize|dbSizeInUse)":\d+/g, '"$1":SIZE'],
  [/"DBSize" : \d+/g, '"DBSize" : SIZE'],
  [/"version":"\d+\.\d+\.\d+"/g, '"version":"VERSION"'],
  [/"Version" : "\d+\.\d+\.\d+"/g, '"Version" : "VERSION"'],
  [/"ID":\d+/g, '"ID":ID'],
  [/"ID" : \d+/g, '"ID" : ID'],
  // leases: the server chooses their ids
  [/"(lease|Lease)":[1-9]\d*/g, '"$1":LEASE'],
  [/"(lease|Lease)" : [1-9]\d*/g, '"$1" : LEASE'],
  [/\b[0-9a-f]{11,16}\b/g, "HEX"],
  // etcdctl makes ids sixteen wide; ours have thirteen digits
  [/(Member|cluster) +HEX/g, "$1 HEX"],
  [/\b(etcd|member)-\d\b/g, "NAME"],
];

/** A program's output without what can't be equal on two clusters. */
export function normaliseText(subject: Subject, text: string): string {
  let result = text;
  for (const [index, endpoint] of subject.endpoints.entries()) {
    result = result.replaceAll(`http://${endpoint}`, `ENDPOINT${index}`);
    result = result.replaceAll(endpoint, `ENDPOINT${index}`);
  }
  for (const [pattern, replacement] of RULES) result = result.replaceAll(pattern, replacement);
  return result;
}
