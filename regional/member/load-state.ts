import type { Backend } from "../backend/backend.js";
import { RegionState } from "../store/state.js";
import { type ClusterIdentity, originMembers } from "./identity.js";

/**
 * The state as the database holds it; that with which the cluster begins when nothing was
 * ever written. Rejects with DATA_LOSS naming the record that is wrong.
 */
export async function loadState(backend: Backend, identity: ClusterIdentity): Promise<RegionState> {
  if (backend.loaded.index === 0) return RegionState.origin(originMembers(identity));
  const loader = RegionState.loader();
  for await (const batch of backend.load()) {
    for (const record of batch) loader.add(record);
  }
  return loader.finish();
}
