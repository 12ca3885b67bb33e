import type { Backend } from "../backend/backend.js";
import type { ConfState } from "../raft/index.js";
import { RegionState } from "../store/state.js";

/**
 * The state as the database holds it; an empty state with the group's first membership
 * when nothing was ever written. Rejects with DATA_LOSS naming the record that is wrong.
 */
export async function loadState(backend: Backend, initial: ConfState): Promise<RegionState> {
  if (backend.loaded.index === 0) return new RegionState(initial);
  const loader = RegionState.loader();
  for await (const batch of backend.load()) {
    for (const record of batch) loader.add(record);
  }
  return loader.finish();
}
