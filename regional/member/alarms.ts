import type { Auditor } from "../audit/auditor.js";
import type { NodeAlarm } from "../node.js";
import type { Applier } from "./applier.js";
import type { DiskCare } from "./disk-care.js";

/** The alarms of all members as one of them knows them: by disk reports, and by audits. */
export function alarmsOf(parts: {
  readonly applier: Applier;
  readonly disks: DiskCare;
  readonly auditor: Auditor;
}): NodeAlarm[] {
  const { voters, learners } = parts.applier.state.applied.confState;
  const { outliers, dispute } = parts.auditor.findings;
  const alarms: NodeAlarm[] = [];
  for (const member of [...voters, ...learners]) {
    if (parts.disks.isLow(member)) alarms.push({ member, alarm: "noSpace" });
  }
  // Where nobody can say who is wrong, it may be anyone of them.
  const suspects = new Set(outliers.map(({ member }) => member));
  for (const member of dispute?.hashes.keys() ?? []) suspects.add(member);
  for (const member of suspects) alarms.push({ member, alarm: "corrupt" });
  return alarms;
}
