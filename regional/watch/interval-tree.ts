import type { BinaryKey } from "../../shared/bytes.js";

/** End of a range that has none. */
const NO_END = "\0";

/** One distinct range [from, end) of an IntervalTree, with what belongs to it. */
export interface Interval<T> {
  readonly from: BinaryKey;
  /** NO_END: all keys from `from` on. */
  readonly end: BinaryKey;
  readonly value: T;
}

interface Node<T> extends Interval<T> {
  readonly priority: number;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  /** The furthest end of this node and all below it. */
  furthest: BinaryKey;
}

function reachesBeyond(end: BinaryKey, key: BinaryKey): boolean {
  return end === NO_END || end > key;
}

function further(a: BinaryKey, b: BinaryKey): BinaryKey {
  if (a === NO_END || b === NO_END) return NO_END;
  return a > b ? a : b;
}

function isBefore<T>(a: Interval<T>, b: Interval<T>): boolean {
  return a.from === b.from ? a.end < b.end : a.from < b.from;
}

function settle<T>(node: Node<T>): Node<T> {
  let furthest = node.end;
  if (node.left !== undefined) furthest = further(furthest, node.left.furthest);
  if (node.right !== undefined) furthest = further(furthest, node.right.furthest);
  node.furthest = furthest;
  return node;
}

/**
 * Distinct ranges, each with a value, searched by key: a treap in order of start, each
 * node knowing the furthest end below it. Adding and removing cost O(log n), a search
 * O(log n + found). Its shape comes from a fixed sequence of numbers: the same calls give
 * the same tree.
 */
export class IntervalTree<T> {
  #root: Node<T> | undefined;
  #sequence = 1;

  /** Adds a range that is not there. Give the result to `remove`. */
  add(from: BinaryKey, end: BinaryKey, value: T): Interval<T> {
    // A linear congruential generator: what matters is only that it is spread out.
    this.#sequence = (Math.imul(this.#sequence, 1_664_525) + 1_013_904_223) >>> 0;
    const node: Node<T> = {
      from,
      end,
      value,
      priority: this.#sequence,
      left: undefined,
      right: undefined,
      furthest: end,
    };
    this.#root = insert(this.#root, node);
    return node;
  }

  /** Removes a range that `add` gave. */
  remove(interval: Interval<T>): void {
    this.#root = without(this.#root, interval);
  }

  /** Calls `visit` with the value of each range that holds the key, in order of start. */
  search(key: BinaryKey, visit: (value: T) => void): void {
    searchBelow(this.#root, key, visit);
  }
}

function insert<T>(root: Node<T> | undefined, node: Node<T>): Node<T> {
  if (root === undefined) return node;
  if (node.priority > root.priority) {
    [node.left, node.right] = split(root, node);
    return settle(node);
  }
  if (isBefore(node, root)) root.left = insert(root.left, node);
  else root.right = insert(root.right, node);
  return settle(root);
}

/** Parts a tree in what comes before a range and what comes after it. */
function split<T>(
  root: Node<T> | undefined,
  at: Interval<T>,
): [Node<T> | undefined, Node<T> | undefined] {
  if (root === undefined) return [undefined, undefined];
  if (isBefore(root, at)) {
    const [before, after] = split(root.right, at);
    root.right = before;
    return [settle(root), after];
  }
  const [before, after] = split(root.left, at);
  root.left = after;
  return [before, settle(root)];
}

function without<T>(root: Node<T> | undefined, interval: Interval<T>): Node<T> | undefined {
  if (root === undefined) return undefined;
  if (root === interval) return join(root.left, root.right);
  if (isBefore(interval, root)) root.left = without(root.left, interval);
  else root.right = without(root.right, interval);
  return settle(root);
}

/** Joins two trees, all of the first coming before all of the second. */
function join<T>(first: Node<T> | undefined, second: Node<T> | undefined): Node<T> | undefined {
  if (first === undefined) return second;
  if (second === undefined) return first;
  if (first.priority > second.priority) {
    first.right = join(first.right, second);
    return settle(first);
  }
  second.left = join(first, second.left);
  return settle(second);
}

function searchBelow<T>(
  root: Node<T> | undefined,
  key: BinaryKey,
  visit: (value: T) => void,
): void {
  if (root === undefined || !reachesBeyond(root.furthest, key)) return;
  searchBelow(root.left, key, visit);
  if (root.from > key) return;
  if (reachesBeyond(root.end, key)) visit(root.value);
  searchBelow(root.right, key, visit);
}
