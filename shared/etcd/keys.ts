/** Where Atoll keeps what is its own in a region's state. Keys below it are never records. */
export const ATOLL_PREFIX = "/atoll/";
/** The incarnation that the region's state is in (incarnation.ts). */
export const INCARNATION_KEY = "/atoll/incarnation";
/** Written by the region's gateways each second (lineage.ts). */
export const LINEAGE_KEY = "/atoll/lineage";
/** What the region is for (intent.ts). */
export const INTENT_KEY = "/atoll/intent";
/** Summary definitions: one key a summary, `/atoll/summaries/NAME`, YAML or JSON. */
export const SUMMARIES_PREFIX = "/atoll/summaries/";
