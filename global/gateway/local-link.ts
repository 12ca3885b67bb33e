import type { SourceStatus } from "../source/types.js";
import type { RegionLink } from "../view/view.js";

function loadingText({ keys, expected }: SourceStatus & { state: "loading" }): string {
  return `reading the region, ${keys} keys so far${expected === undefined ? "" : ` of about ${expected}`}`;
}

/** How the own region comes, by what its source says; the reason is for people. */
export function localLink(status: SourceStatus, region: string): RegionLink {
  switch (status.state) {
    case "live":
      return { reachable: true, path: "local", reason: status.trouble ?? "" };
    case "loading":
      return { reachable: true, path: "local", reason: status.trouble ?? loadingText(status) };
    case "connecting":
      return { reachable: false, path: "", reason: status.error ?? "connecting to the region" };
    case "refused":
      return {
        reachable: false,
        path: "",
        reason: `${status.reason}; if that is right, run ${status.command} ${region}`,
      };
  }
}
