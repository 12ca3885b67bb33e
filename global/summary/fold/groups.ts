import type { Cell, GroupKey } from "../../digest/cell.js";
import type { Measure } from "../definition/definition.js";
import { DistinctAccumulator } from "./distinct.js";
import { ExtremeAccumulator } from "./extreme.js";
import { QuantilesAccumulator } from "./quantiles.js";
import { SumAccumulator } from "./sum.js";
import { TopAccumulator } from "./top.js";
import type { ValueTable } from "./value-table.js";
import { GreatestAccumulator, SetAccumulator } from "./values.js";

/** What a measure of one group is kept in, by what rows keep; exact under insertion and removal. */
interface Accumulator {
  /** `weight` is 1 where the measure has none. */
  add(value: number, weight: number): void;
  remove(value: number, weight: number): void;
  cell(): Cell;
}

/** One group: its rows and, beside count, one accumulator a measure. */
export class Group {
  readonly key: GroupKey;
  /** The group's number in its table. */
  readonly id: number;
  rows = 0;
  /** Bytes that are packed in the cells that were asked for last. */
  packedBytes = 0;
  readonly #accumulators: readonly (Accumulator | undefined)[];

  constructor(key: GroupKey, id: number, measures: readonly Measure[], table: ValueTable) {
    this.key = key;
    this.id = id;
    this.#accumulators = measures.map((measure) => accumulatorOf(measure, table));
  }

  add(measure: number, value: number, weight: number): void {
    this.#accumulators[measure]?.add(value, weight);
  }

  remove(measure: number, value: number, weight: number): void {
    this.#accumulators[measure]?.remove(value, weight);
  }

  /** The group's cells, in the order of its measures. */
  cells(): Cell[] {
    return this.#accumulators.map(
      (accumulator) => accumulator?.cell() ?? { kind: "count", count: this.rows },
    );
  }
}

function accumulatorOf(measure: Measure, table: ValueTable): Accumulator | undefined {
  switch (measure.kind) {
    case "count":
      return undefined;
    case "sum":
      return new SumAccumulator(measure.scale);
    case "min":
    case "max":
      return new ExtremeAccumulator(measure.kind);
    case "distinct":
      return new DistinctAccumulator();
    case "quantiles":
      return new QuantilesAccumulator();
    case "any":
    case "latest":
      return new GreatestAccumulator(measure.kind, table);
    case "set":
      return new SetAccumulator(measure.limit, table);
    case "top":
      return new TopAccumulator(measure.limit, measure.scale, table);
  }
}

/** All groups of one fold, by key and by number. */
export class GroupTable {
  readonly #byKey = new Map<GroupKey, Group>();
  readonly #byId: (Group | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #measures: readonly Measure[];
  readonly #table: ValueTable;

  /** `table` has the values that rows keep. */
  constructor(measures: readonly Measure[], table: ValueTable) {
    this.#measures = measures;
    this.#table = table;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: GroupKey): Group | undefined {
    return this.#byKey.get(key);
  }

  byId(id: number): Group {
    const group = this.#byId[id];
    if (group === undefined) throw new Error(`invariant violated: there is no group ${id}`);
    return group;
  }

  create(key: GroupKey): Group {
    const id = this.#free.pop() ?? this.#byId.length;
    const group = new Group(key, id, this.#measures, this.#table);
    this.#byKey.set(key, group);
    this.#byId[group.id] = group;
    return group;
  }

  delete(group: Group): void {
    this.#byKey.delete(group.key);
    this.#byId[group.id] = undefined;
    this.#free.push(group.id);
  }

  values(): IterableIterator<Group> {
    return this.#byKey.values();
  }
}
