import type { BinaryKey } from "../../../shared/bytes.js";
import {
  MAX_GROUPS_PER_SECTION,
  MAX_PACKED_BYTES_PER_SECTION,
  SKIPPED_SAMPLE_KEYS,
} from "../../../shared/limits.js";
import { type Cell, type GroupChanges, type GroupKey, packedBytes } from "../../digest/cell.js";
import { type Bindings, keyText } from "../cel/bindings.js";
import type { SummaryDefinition } from "../definition/definition.js";
import type { SkippedKey } from "../types.js";
import { Evaluator, type Verdict } from "./evaluate.js";
import { type Group, GroupTable } from "./groups.js";
import { Costs, type MemoryBudget } from "./memory.js";
import { RowTable } from "./rows.js";
import { ValueTable } from "./value-table.js";

/** The group number of a row whose record is skipped. */
const SKIPPED = 0xffff_ffff;

/** What a summary may have at most; a section's own limits unless said otherwise. */
export interface FoldLimits {
  readonly maxGroups?: number;
  /** Bytes of sketches and lists. */
  readonly maxPackedBytes?: number;
}

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
  readonly #budget: MemoryBudget;
  readonly #costs: Costs;
  readonly #maxGroups: number;
  readonly #maxPackedBytes: number;
  #values: ValueTable;
  #groups: GroupTable;
  #rows: RowTable;
  /** Bytes that it has of the budget. */
  #bytes = 0;
  #packedBytes = 0;
  #skipped = 0;
  #refusal: string | undefined;

  constructor(definition: SummaryDefinition, budget: MemoryBudget, limits: FoldLimits = {}) {
    this.#definition = definition;
    this.#evaluator = new Evaluator(definition);
    this.#values = new ValueTable();
    this.#groups = new GroupTable(definition.measures, this.#values);
    this.#rows = new RowTable(this.#evaluator.values.length);
    this.#budget = budget;
    this.#costs = new Costs(definition);
    this.#maxGroups = limits.maxGroups ?? MAX_GROUPS_PER_SECTION;
    this.#maxPackedBytes = limits.maxPackedBytes ?? MAX_PACKED_BYTES_PER_SECTION;
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

  /**
   * What was touched since it was asked last; undefined for groups that are gone. Void
   * when the fold is refused because that is more than a section may hold.
   */
  takeChanges(): GroupChanges {
    const changes = new Map<GroupKey, readonly Cell[] | undefined>();
    for (const key of this.#dirty) {
      const group = this.#groups.get(key);
      changes.set(key, group && this.#cells(group));
    }
    this.#dirty.clear();
    this.#checkPacked();
    return changes;
  }

  /** All groups; changes until now count as taken. */
  snapshot(): GroupChanges {
    this.#dirty.clear();
    const groups = new Map<GroupKey, readonly Cell[] | undefined>();
    for (const group of this.#groups.values()) groups.set(group.key, this.#cells(group));
    this.#checkPacked();
    return groups;
  }

  /** Refuses the fold now if what it would publish is more than a section may hold. */
  weigh(): void {
    for (const group of this.#groups.values()) this.#cells(group);
    this.#checkPacked();
  }

  /** Forgets everything and gives its memory back to the budget; the fold is over. */
  close(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
    this.#packedBytes = 0;
    this.#dirty.clear();
    this.#sample.clear();
    this.#skipped = 0;
    this.#values = new ValueTable();
    this.#groups = new GroupTable(this.#definition.measures, this.#values);
    this.#rows = new RowTable(this.#evaluator.values.length);
  }

  #cells(group: Group): Cell[] {
    const cells = group.cells();
    const bytes = cells.reduce((sum, cell) => sum + packedBytes(cell), 0);
    this.#packedBytes += bytes - group.packedBytes;
    group.packedBytes = bytes;
    return cells;
  }

  #checkPacked(): void {
    if (this.#packedBytes <= this.#maxPackedBytes) return;
    this.#refuse(
      `its sketches and lists have more than ${this.#maxPackedBytes} bytes; group by less or list fewer`,
    );
  }

  #count(key: BinaryKey, slot: number | undefined): void {
    const { groupKey, values, plan } = this.#evaluator;
    const known = this.#groups.get(groupKey);
    if (slot !== undefined && known !== undefined) {
      this.#findValues();
      if (this.#rows.equals(slot, known.id, values)) return;
    }
    if (slot !== undefined) this.#takeBack(key, slot);
    const group = this.#groups.get(groupKey) ?? this.#create(groupKey);
    const target = group && (slot ?? this.#insert(key));
    if (group === undefined || target === undefined || !this.#takeValues()) return;
    this.#rows.set(target, group.id, values);
    group.rows++;
    const { columnOf, weightOf } = plan;
    for (let measure = 0; measure < columnOf.length; measure++) {
      const column = columnOf[measure] as number;
      if (column < 0) continue;
      const weight = weightOf[measure] as number;
      group.add(measure, values[column] as number, weight < 0 ? 1 : (values[weight] as number));
    }
    this.#dirty.add(groupKey);
  }

  /** Puts the numbers of the record's values where its row would have them. */
  #findValues(): void {
    const { plan, values, codes } = this.#evaluator;
    for (const column of plan.valueColumns) {
      values[column] = this.#values.find(codes[column] as string);
    }
  }

  /** Takes the record's values for a row of it; false when that is refused. */
  #takeValues(): boolean {
    const { plan, values, codes } = this.#evaluator;
    for (const column of plan.valueColumns) {
      const code = codes[column] as string;
      if (this.#values.find(code) < 0 && !this.#take(this.#costs.value(code))) return false;
      values[column] = this.#values.take(code);
    }
    return true;
  }

  /** What a row kept of values may go. */
  #releaseValues(slot: number): void {
    for (const column of this.#evaluator.plan.valueColumns) {
      const value = this.#rows.value(slot, column);
      const code = this.#values.code(value);
      if (this.#values.release(value)) this.#give(this.#costs.value(code));
    }
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
    this.#give(this.#costs.row(key));
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
    const { columnOf, weightOf } = this.#evaluator.plan;
    for (let measure = 0; measure < columnOf.length; measure++) {
      const column = columnOf[measure] as number;
      if (column < 0) continue;
      const weight = weightOf[measure] as number;
      group.remove(
        measure,
        this.#rows.value(slot, column),
        weight < 0 ? 1 : this.#rows.value(slot, weight),
      );
    }
    this.#releaseValues(slot);
    this.#dirty.add(group.key);
    if (--group.rows > 0) return;
    this.#groups.delete(group);
    this.#packedBytes -= group.packedBytes;
    this.#give(this.#costs.group(group.key));
  }

  #create(groupKey: GroupKey): Group | undefined {
    if (this.#groups.size >= this.#maxGroups) {
      this.#refuse(`it has more than ${this.#maxGroups} groups; group by less`);
      return undefined;
    }
    return this.#take(this.#costs.group(groupKey)) ? this.#groups.create(groupKey) : undefined;
  }

  #insert(key: BinaryKey): number | undefined {
    return this.#take(this.#costs.row(key)) ? this.#rows.insert(key) : undefined;
  }

  /** Takes memory from the budget; refuses the fold where there is none. */
  #take(bytes: number): boolean {
    if (this.#budget.take(bytes)) {
      this.#bytes += bytes;
      return true;
    }
    this.#refuse(
      `this gateway's summaries need more than ${this.#budget.limitText} for the keys that they match; match fewer or take fewer measures`,
    );
    return false;
  }

  #give(bytes: number): void {
    this.#bytes -= bytes;
    this.#budget.give(bytes);
  }

  #refuse(reason: string): void {
    this.#refusal = reason;
    this.close();
  }
}
