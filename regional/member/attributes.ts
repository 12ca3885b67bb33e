import type { MemberAttributes } from "../store/state.js";

/** Whether the group knows of a member what it publishes of itself: name and client URLs. */
export function isPublished(known: MemberAttributes, own: MemberAttributes): boolean {
  return known.name === own.name && known.clientUrls.join(" ") === own.clientUrls.join(" ");
}
