import { packedSize, packRecord, unpack } from "../../../regional/backend/packed.js";
import {
  type ConfChange,
  ConfChangeTransition,
  type ConfState,
  type Entry,
} from "../../../regional/raft/index.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import { Row } from "../../../regional/store/row.js";
import { RegionState } from "../../../regional/store/state.js";
import { asBuffer } from "../../../shared/bytes.js";
import type { Random } from "../../../shared/random.js";
import type { Value } from "../linearizability/key-value.js";
import { encodeCompaction, keyName, valueOf } from "./commands.js";
import { toState, toWorld } from "./state-ids.js";

/** Where the log of every world begins: the snapshot that all members start from. */
export const START = { index: 1, term: 1 };

const NO_CHANGE: ConfChange = {
  transition: ConfChangeTransition.auto,
  changes: [],
  context: new Uint8Array(0),
};

/** Images of states in which a bit was flipped. */
const damagedImages = new WeakSet<Uint8Array>();

/** True if the image is of a state in which a bit was flipped. */
export function isDamaged(image: Uint8Array): boolean {
  return damagedImages.has(image);
}

/** A member's state machine: the region's real one, as an image on disk and in snapshots. */
export class Machine {
  readonly state: RegionState;
  #damaged: boolean;

  private constructor(state: RegionState, damaged: boolean) {
    this.state = state;
    this.#damaged = damaged;
  }

  /** The state that a world starts from. */
  static first(conf: ConfState): Machine {
    const state = new RegionState(conf);
    state.applyConfChange(START.index, START.term, NO_CHANGE, () => conf);
    state.takeChanges();
    return new Machine(state, false);
  }

  static load(image: Uint8Array): Machine {
    const loader = RegionState.loader();
    unpack(asBuffer(image), (record) => loader.add(record));
    return new Machine(loader.finish(), isDamaged(image));
  }

  get index(): number {
    return this.state.applied.index;
  }

  get conf(): ConfState {
    return toWorld(this.state.applied.confState);
  }

  /** A bit was flipped in it, or in what it was loaded from. Only the world knows. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /** Depends on what each entry through `index` did. */
  get chain(): string {
    return this.state.chain;
  }

  apply({ index, term, data }: Entry): Outcome {
    return this.state.apply(index, term, data);
  }

  /** `reconfigure` puts the change into effect and gives the configuration that follows. */
  applyConf({ index, term }: Entry, change: ConfChange, reconfigure: () => ConfState): void {
    const before = this.state.applied.confState;
    this.state.applyConfChange(index, term, change, () =>
      toState(reconfigure(), before, (id) => this.state.isRemoved(id)),
    );
  }

  /** To be called after each batch of entries. */
  endBatch(): void {
    this.state.takeChanges();
    this.state.tidy();
  }

  get(key: number): Value {
    return valueOf(this.state.get(keyName(key)));
  }

  /** A command that compacts history behind the last few revisions; null if there is little. */
  compaction(proposer: number, kept: number): Uint8Array | null {
    const revision = this.state.currentRevision - kept;
    return revision <= Math.max(1, this.state.compactRevision)
      ? null
      : encodeCompaction(proposer, revision);
  }

  image(): Uint8Array {
    const records = [...this.state.dump()];
    let bytes = 0;
    for (const record of records) bytes += packedSize(record);
    const image = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const record of records) at = packRecord(record, image, at);
    if (this.#damaged) damagedImages.add(image);
    return image;
  }

  /** Flips a bit in the memory that holds a key's value; false if there is no such key. */
  flipBit(key: number, random: Random): boolean {
    const row = this.state.get(keyName(key));
    if (!(row instanceof Row)) return false;
    const value = row.value();
    const at = random.int(value.length);
    value[at] = (value[at] as number) ^ (1 << random.int(8));
    this.#damaged = true;
    return true;
  }
}
