/** A value of a field, as it is compared. */
export type FieldValue = string | number | boolean;

/** The fields of an item by name. */
export type Fields = Readonly<Record<string, FieldValue>>;

/**
 * One thing that an output says: a message, an entry, a Ready, a node's progress. Two outputs
 * mean the same if their trees of items are equal in kinds, fields and order.
 */
export interface Item {
  readonly kind: string;
  readonly fields: Fields;
  readonly children: readonly Item[];
  /** The line of the output that it begins on, counted from 0; not compared. */
  readonly line: number;
  /** That line, trimmed, for people; not compared. */
  readonly text: string;
}

/** The lines of an output one after the other, without what loggers wrote. */
export class LineCursor {
  readonly #lines: readonly { readonly text: string; readonly line: number }[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines
      .map((raw, line) => ({ text: raw.trim(), line }))
      .filter(({ text }) => text !== "" && !isLogLine(text));
  }

  /** The next line, trimmed; undefined at the end. */
  peek(): string | undefined {
    return this.#lines[this.#at]?.text;
  }

  /** Number of the next line. */
  get line(): number {
    return this.#lines[this.#at]?.line ?? 0;
  }

  skip(): void {
    this.#at++;
  }

  get position(): number {
    return this.#at;
  }

  /** Goes back to a position that `position` gave. */
  rewind(position: number): void {
    this.#at = position;
  }
}

/** True for a line of etcd's logger: information for people, which the scripts don't rest on. */
function isLogLine(text: string): boolean {
  return /^(DEBUG|INFO|WARN|ERROR|FATAL) /.test(text);
}

/** Reads an item that begins at the cursor, or leaves the cursor where it is. */
export type ItemParser = (cursor: LineCursor) => Item | null;

/** Makes the parser of an item that is one line: `fieldsOf` sees the match of `pattern`. */
export function oneLine(
  kind: string,
  pattern: RegExp,
  fieldsOf: (match: RegExpExecArray) => Fields,
): ItemParser {
  return (cursor) => {
    const text = cursor.peek();
    const match = text === undefined ? null : pattern.exec(text);
    if (text === undefined || match === null) return null;
    const { line } = cursor;
    cursor.skip();
    return { kind, fields: fieldsOf(match), children: [], line, text };
  };
}

/** Tries parsers in order. */
export function firstOf(parsers: readonly ItemParser[]): ItemParser {
  return (cursor) => {
    for (const parse of parsers) {
      const item = parse(cursor);
      if (item !== null) return item;
    }
    return null;
  };
}

/** Reads as many items as there are. */
export function many(parse: ItemParser, cursor: LineCursor): Item[] {
  const items: Item[] = [];
  for (let item = parse(cursor); item !== null; item = parse(cursor)) items.push(item);
  return items;
}

/** A captured number; 0 where the group is absent. */
export function numberAt(match: RegExpExecArray, group: string): number {
  return Number(match.groups?.[group] ?? 0);
}

/** A captured text; "" where the group is absent. */
export function textAt(match: RegExpExecArray, group: string): string {
  return match.groups?.[group] ?? "";
}
