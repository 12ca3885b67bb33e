/** The client's public face, as `atoll/client`. */
export { type AskOptions, AtollClient, type AtollClientOptions } from "./client.js";
export type {
  AtollEvent,
  DeltaEvent,
  FailoverEvent,
  FreshnessEvent,
  NoticeEvent,
  NoticeType,
  SnapshotEvent,
} from "./events.js";
export { errorDetail } from "./failure.js";
export { measureOf } from "./measure.js";
export { MergedView } from "./merged-view.js";
export { writtenAt } from "./written.js";
