import type { BinaryKey } from "../../../shared/bytes.js";
import { MAX_GROUPS_PER_SECTION, SKIPPED_SAMPLE_KEYS } from "../../../shared/limits.js";
import type { Cell, GroupChanges, GroupKey } from "../../digest/cell.js";
import { type Bindings, keyText } from "../cel/bindings.js";
import type { SummaryDefinition } from "../definition/definition.js";
import type { SkippedKey } from "../types.js";
import { Evaluator, type Verdict } from "./evaluate.js";
import { type Group, GroupTable } from "./groups.js";
import { type RowBudget, RowTable } from "./rows.js";

/** The group number of a row whose record is skipped. */
const SKIPPED = 0xffff_ffff;

/**
 * One definition folded over records. Its groups are a function of the records that
 * it was told of last, whatever came before: a row for each matching key says what
 * to take back when the key changes or goes.
 *
 * A fold that would pass its bounds is refused: it forgets everything, says why, and
 * is told of nothing more.
 */
export class Fold {
  readonly #definition: SummaryDefinition;
  readonly #evaluator: Evaluator;
  readonly #dirty = new Set<GroupKey>();
  readonly #sample = new Map<BinaryKey, string>();
  readonly #budget: RowBudget;
  readonly #maxGroups: number;
  #groups: GroupTable;
  #rows: RowTable;
  #skipped = 0;
  #refusal: string | undefined;

  constructor(
    definition: SummaryDefinition,
    budget: RowBudget,
    maxGroups: number = MAX_GROUPS_PER_SECTION,
  ) {
    this.#definition = definition;
    this.#evaluator = new Evaluator(definition);
    this.#groups = new GroupTable(definition.measures);
    this.#rows = new RowTable(this.#evaluator.columnCount);
    this.#budget = budget;
    this.#maxGroups = maxGroups;
  }

  /** Why the fold gave up; undefined while it holds. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Groups that there are. */
  get groupCount(): number {
    return this.#groups.size;
  }

  /** Keys that a row is kept of, skipped ones included. */
  get rowCount(): number {
    return this.#rows.size;
  }

  /** Keys whose value or expressions fail. */
  get skippedCount(): number {
    return this.#skipped;
  }

  /** Some of the skipped keys. */
  skippedSample(): SkippedKey[] {
    return [...this.#sample].map(([key, reason]) => ({ key: keyText(key), reason }));
  }

  /** A key's newest record; it must be bound. */
  put(key: BinaryKey, record: Bindings): void {
    if (this.#refusal !== undefined) return;
    const verdict = this.#evaluator.evaluate(record);
    const slot = this.#rows.find(key);
    if (verdict === "not matching") {
      if (slot !== undefined) this.#drop(key, slot);
      return;
    }
    if (verdict === "counted") this.#count(key, slot);
    else this.#skip(key, slot, verdict);
  }

  /** A key is gone. */
  delete(key: BinaryKey): void {
    const slot = this.#rows.find(key);
    if (slot !== undefined) this.#drop(key, slot);
  }

  /** What was touched since it was asked last; undefined for groups that are gone. */
  takeChanges(): GroupChanges {
    const changes = new Map<GroupKey, readonly Cell[] | undefined>();
    for (const key of this.#dirty) changes.set(key, this.#groups.get(key)?.cells());
    this.#dirty.clear();
    return changes;
  }

  /** All groups; changes until now count as taken. */
  snapshot(): GroupChanges {
    this.#dirty.clear();
    const groups = new Map<GroupKey, readonly Cell[] | undefined>();
    for (const group of this.#groups.values()) groups.set(group.key, group.cells());
    return groups;
  }

  /** Gives its rows back to the budget; the fold is over. */
  close(): void {
    this.#budget.give(this.#rows.size);
    this.#rows = new RowTable(this.#evaluator.columnCount);
  }

  #count(key: BinaryKey, slot: number | undefined): void {
    const { groupKey, values } = this.#evaluator;
    let group = this.#groups.get(groupKey);
    if (slot !== undefined && group !== undefined && this.#rows.equals(slot, group.id, values)) {
      return;
    }
    if (slot !== undefined) this.#takeBack(key, slot);
    group = this.#groups.get(groupKey) ?? this.#create(groupKey);
    const target = group && (slot ?? this.#insert(key));
    if (group === undefined || target === undefined) return;
    this.#rows.set(target, group.id, values);
    group.rows++;
    const { columnOf } = this.#evaluator;
    for (let measure = 0; measure < columnOf.length; measure++) {
      const column = columnOf[measure] as number;
      if (column >= 0) group.add(measure, values[column] as number);
    }
    this.#dirty.add(groupKey);
  }

  #skip(key: BinaryKey, slot: number | undefined, verdict: Exclude<Verdict, string>): void {
    if (slot !== undefined) this.#takeBack(key, slot);
    const target = slot ?? this.#insert(key);
    if (target === undefined) return;
    this.#rows.set(target, SKIPPED, this.#evaluator.values);
    this.#skipped++;
    if (this.#sample.size < SKIPPED_SAMPLE_KEYS) this.#sample.set(key, verdict.problem());
  }

  #drop(key: BinaryKey, slot: number): void {
    this.#takeBack(key, slot);
    this.#rows.delete(key, slot);
    this.#budget.give(1);
  }

  /** Undoes what a row's record did. */
  #takeBack(key: BinaryKey, slot: number): void {
    const id = this.#rows.group(slot);
    if (id === SKIPPED) {
      this.#skipped--;
      this.#sample.delete(key);
      return;
    }
    const group = this.#groups.byId(id);
    const { columnOf } = this.#evaluator;
    for (let measure = 0; measure < columnOf.length; measure++) {
      const column = columnOf[measure] as number;
      if (column >= 0) group.remove(measure, this.#rows.value(slot, column));
    }
    this.#dirty.add(group.key);
    if (--group.rows === 0) this.#groups.delete(group);
  }

  #create(groupKey: GroupKey): Group | undefined {
    if (this.#groups.size < this.#maxGroups) return this.#groups.create(groupKey);
    this.#refuse(`it has more than ${this.#maxGroups} groups; group by less`);
    return undefined;
  }

  #insert(key: BinaryKey): number | undefined {
    if (this.#budget.take()) return this.#rows.insert(key);
    this.#refuse(`this gateway's summaries match more than ${this.#budget.limit} keys in all`);
    return undefined;
  }

  #refuse(reason: string): void {
    this.#refusal = reason;
    this.close();
    this.#dirty.clear();
    this.#sample.clear();
    this.#skipped = 0;
    this.#groups = new GroupTable(this.#definition.measures);
  }
}
