import { Trees } from "./trees.js";

/** Where gateways can be dialled: `host:port` by region. */
export type Directory = ReadonlyMap<string, readonly string[]>;

/** Where gateways can be dialled now, and the trees that follow from which regions there are. */
export class AddressBook {
  readonly #home: string;
  readonly #directRegions: number | undefined;
  #directory: Directory;
  #trees: Trees;

  /** `directRegions`: see Trees. */
  constructor(home: string, directory: Directory, directRegions?: number) {
    this.#home = home;
    this.#directRegions = directRegions;
    this.#directory = unambiguous(directory);
    this.#trees = new Trees(home, directory.keys(), directRegions);
  }

  get directory(): Directory {
    return this.#directory;
  }

  get trees(): Trees {
    return this.#trees;
  }

  /** A region's gateways. */
  of(region: string): readonly string[] {
    return this.#directory.get(region) ?? [];
  }

  /** What is known from now on. */
  replace(directory: Directory): void {
    const before = this.#directory;
    this.#directory = unambiguous(directory);
    const isSame =
      before.size === directory.size && [...directory.keys()].every((name) => before.has(name));
    if (!isSame) this.#trees = new Trees(this.#home, directory.keys(), this.#directRegions);
  }
}

/** An address counts for the first region that has it: one gateway can't be of two. */
function unambiguous(directory: Directory): Directory {
  const all = [...directory.values()].flat();
  const taken = new Set<string>();
  if (new Set(all).size === all.length) return directory;
  const kept = new Map<string, readonly string[]>();
  for (const [region, addresses] of directory) {
    kept.set(
      region,
      addresses.filter((address) => !taken.has(address)),
    );
    for (const address of addresses) taken.add(address);
  }
  return kept;
}
