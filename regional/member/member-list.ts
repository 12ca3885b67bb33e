import type { MemberInfo } from "../node.js";
import { memberIds, type RegionState } from "../store/state.js";

function firstUrl({ peerUrls }: MemberInfo): string {
  return peerUrls[0] ?? "";
}

/** The members as the state knows them, in etcd's order: by their first peer URL. */
export function membersOf(state: RegionState): MemberInfo[] {
  const { confState } = state.applied;
  const members = [...memberIds(confState)].map((id) => ({
    ...(state.member(id) ?? { name: "", peerUrls: [], clientUrls: [] }),
    id,
    isLearner: confState.learners.includes(id),
  }));
  return members.sort((a, b) => (firstUrl(a) < firstUrl(b) ? -1 : 1));
}
