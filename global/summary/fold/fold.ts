import type { BinaryKey } from "../../../shared/bytes.js";
import { MAX_PACKED_BYTES_PER_SECTION, SKIPPED_SAMPLE_KEYS } from "../../../shared/limits.js";
import { type Cell, type GroupChanges, type GroupKey, packedBytes } from "../../digest/cell.js";
import { mostGroups } from "../../digest/section.js";
import { type Bindings, keyText } from "../cel/bindings.js";
import type { SummaryDefinition } from "../definition/definition.js";
import type { SkippedKey } from "../types.js";
import { Evaluator, type Verdict } from "./evaluate.js";
import { type Group, GroupTable } from "./groups.js";
import { KeptValues } from "./kept-values.js";
import { Account, Costs, type MemoryBudget } from "./memory.js";
import { RowTable } from "./rows.js";

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
  readonly #account: Account;
  readonly #limitText: string;
  readonly #costs: Costs;
  readonly #maxGroups: number;
  readonly #maxPackedBytes: number;
  #values: KeptValues;
  #groups: GroupTable;
  #rows: RowTable;
  #packedBytes = 0;
  #skipped = 0;
  #refusal: string | undefined;

  constructor(definition: SummaryDefinition, budget: MemoryBudget, limits: FoldLimits = {}) {
    this.#definition = definition;
    this.#evaluator = new Evaluator(definition);
    this.#account = new Account(budget);
    this.#limitText = budget.limitText;
    this.#costs = new Costs(definition);
    this.#values = this.#noValues();
    this.#groups = new GroupTable(definition.measures, this.#values.table);
    this.#rows = this.#noRows();
    this.#maxGroups = limits.maxGroups ?? mostGroups(definition.measures.length);
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
    this.#account.clear();
    this.#packedBytes = 0;
    this.#dirty.clear();
    this.#sample.clear();
    this.#skipped = 0;
    this.#values = this.#noValues();
    this.#groups = new GroupTable(this.#definition.measures, this.#values.table);
    this.#rows = this.#noRows();
  }

  #noValues(): KeptValues {
    return new KeptValues(this.#evaluator.plan.valueColumns, this.#costs, this.#account);
  }

  #noRows(): RowTable {
    return new RowTable(this.#evaluator.plan.columns.length);
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
    const { groupKey, values, codes, plan } = this.#evaluator;
    const known = this.#groups.get(groupKey);
    if (slot !== undefined && known !== undefined) {
      this.#values.find(codes, values);
      if (this.#rows.equals(slot, known.id, values)) return;
    }
    if (slot !== undefined) this.#takeBack(key, slot);
    const group = this.#groups.get(groupKey) ?? this.#create(groupKey);
    const target = group && (slot ?? this.#insert(key));
    if (group === undefined || target === undefined) return;
    if (!this.#values.take(codes, values)) {
      this.#refuseMemory();
      return;
    }
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
    this.#account.give(this.#costs.row(key));
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
    this.#values.release(this.#rows, slot);
    this.#dirty.add(group.key);
    if (--group.rows > 0) return;
    this.#groups.delete(group);
    this.#packedBytes -= group.packedBytes;
    this.#account.give(this.#costs.group(group.key));
  }

  #create(groupKey: GroupKey): Group | undefined {
    if (this.#groups.size >= this.#maxGroups) {
      this.#refuse(`it has more than ${this.#maxGroups} groups; group by less`);
      return undefined;
    }
    if (this.#account.take(this.#costs.group(groupKey))) return this.#groups.create(groupKey);
    this.#refuseMemory();
    return undefined;
  }

  #insert(key: BinaryKey): number | undefined {
    if (this.#account.take(this.#costs.row(key))) return this.#rows.insert(key);
    this.#refuseMemory();
    return undefined;
  }

  #refuseMemory(): void {
    this.#refuse(
      `this gateway's summaries need more than ${this.#limitText} for the keys that they match; match fewer or take fewer measures`,
    );
  }

  #refuse(reason: string): void {
    this.#refusal = reason;
    this.close();
  }
}
