import { dirname, resolve } from "node:path";
import type { TopologyRegion } from "../topology.js";
import type { EtcdAccess } from "./access.js";
import {
  type EtcdOption,
  type EtcdSourceOf,
  type EtcdTexts,
  hasEtcdOptions,
  parseEtcdAccess,
} from "./access-options.js";

/** Options as somebody gave them. */
export interface GivenEtcdOptions {
  readonly texts: EtcdTexts;
  readonly sourceOf: EtcdSourceOf;
}

/** A region of a topology, and the topology's file. */
export interface RegionOfFile {
  readonly region: TopologyRegion;
  readonly file: string;
}

const FILES: ReadonlySet<EtcdOption> = new Set([
  "etcd-cacert",
  "etcd-cert",
  "etcd-key",
  "etcd-password-file",
]);
const PREFIX = "etcd-";

/** What a topology says of a region, as options; its files are looked for beside the topology. */
function optionsOf({ region, file }: RegionOfFile): GivenEtcdOptions {
  const texts: Partial<Record<EtcdOption, string>> = {};
  for (const [field, text] of Object.entries(region.etcd ?? {})) {
    const option = `${PREFIX}${field}` as EtcdOption;
    if (text !== undefined) texts[option] = FILES.has(option) ? resolve(dirname(file), text) : text;
  }
  const sourceOf: EtcdSourceOf = (option) =>
    `${file}: region ${region.name}: etcd.${option.slice(PREFIX.length)}`;
  return { texts, sourceOf };
}

/**
 * Reads how a region's etcd API is reached: by the options where any of them is given,
 * else by what the topology says of the region. To be called again when the files may
 * have changed. Throws NOT_FOUND or INVALID_ARGUMENT naming where it was said, and the file.
 */
export function regionAccess(
  given: GivenEtcdOptions,
  place: RegionOfFile | undefined,
): () => EtcdAccess {
  const isGiven = hasEtcdOptions(given.texts) || place === undefined;
  const { texts, sourceOf } = isGiven ? given : optionsOf(place);
  return () => parseEtcdAccess(texts, sourceOf);
}
