import type { RegionsResponse } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { formatAge } from "./freshness.js";

/** What is wrong with the names by which a gateway finds others: nothing, or a note for each. */
export function nameNotes(view: RegionsResponse | undefined): string[] {
  const names = (view?.regions ?? []).flatMap(({ gatewayNames }) => gatewayNames);
  return names
    .filter(({ error }) => error !== "")
    .map(({ name, addresses, answerAgeMs, error }) => {
      const age = answerAgeMs === undefined ? "" : ` of ${formatAge(answerAgeMs)} ago`;
      const known = addresses.length === 0 ? "" : `; ${addresses.length} known by the answer${age}`;
      return `${name} fails: ${error}${known}`;
    });
}
