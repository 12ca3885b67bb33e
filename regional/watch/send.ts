import { WATCH_FRAGMENT_BYTES } from "../../shared/limits.js";
import type { WatchEvent } from "./event.js";
import type { Watcher } from "./watcher.js";

/**
 * Sends events to a watcher: as one message, or in parts of bounded size when it allows
 * fragments. Always takes all of them, so that no revision is left half told. Marks the
 * stream as blocked when its peer became slow.
 */
export function sendEvents(
  watcher: Watcher,
  revision: number,
  events: readonly WatchEvent[],
): void {
  const { stream, id, options } = watcher;
  watcher.idle = false;
  const send = (part: readonly WatchEvent[], more: boolean): void => {
    if (!stream.sink.events(id, revision, part, options.prevKv, more)) stream.blocked = true;
  };
  if (!options.fragment) {
    send(events, false);
    return;
  }
  let part: WatchEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = event.field(options.prevKv).length;
    if (part.length > 0 && bytes + size > WATCH_FRAGMENT_BYTES) {
      send(part, true);
      part = [];
      bytes = 0;
    }
    part.push(event);
    bytes += size;
  }
  send(part, false);
}
