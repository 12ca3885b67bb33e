import {
  type Item,
  type ItemParser,
  type LineCursor,
  many,
  numberAt,
  oneLine,
  textAt,
} from "./items.js";

const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
const ENTRY = String.raw`(?<term>\d+)/(?<index>\d+) (?<type>Entry\w+)(?: (?<data>${QUOTED}|[vlru]\d+(?: [vlru]\d+)*))?`;
const IDS = String.raw`\[([\d ]*)\]`;
const SNAPSHOT = String.raw`Index:(?<index>\d+) Term:(?<term>\d+) ConfState:Voters:${group("voters")} VotersOutgoing:${group("votersOutgoing")} Learners:${group("learners")} LearnersNext:${group("learnersNext")} AutoLeave:(?<autoLeave>true|false)`;
const MESSAGE =
  /^(?<dropped>dropped: )?(?<from>\w+)->(?<to>\w+) (?<type>Msg\w+) Term:(?<term>\d+) Log:(?<logTerm>\d+)\/(?<index>\d+)(?: (?<reject>Rejected) \(Hint: (?<hint>\d+)\))?(?: Commit:(?<commit>\d+))?(?: Vote:(?<vote>\d+))?(?: Context:(?<context>"(?:[^"\\]|\\.)*"))?(?: Priority:(?<priority>\d+))?(?<rest>$| (?:Entries|Responses):\[.*$)/;

function group(name: string): string {
  return IDS.replace("(", `(?<${name}>`);
}

function entryFields(match: RegExpExecArray): Item["fields"] {
  return {
    term: numberAt(match, "term"),
    index: numberAt(match, "index"),
    type: textAt(match, "type"),
    data: textAt(match, "data"),
  };
}

function snapshotFields(match: RegExpExecArray): Item["fields"] {
  return {
    index: numberAt(match, "index"),
    term: numberAt(match, "term"),
    voters: textAt(match, "voters"),
    votersOutgoing: textAt(match, "votersOutgoing"),
    learners: textAt(match, "learners"),
    learnersNext: textAt(match, "learnersNext"),
    autoLeave: textAt(match, "autoLeave") === "true",
  };
}

/** `1/12 EntryNormal "data"` */
export const parseEntry: ItemParser = oneLine("entry", new RegExp(`^${ENTRY}$`), entryFields);

/** `Snapshot Index:11 Term:1 ConfState:…` in a Ready */
export const parseSnapshot: ItemParser = oneLine(
  "snapshot",
  new RegExp(`^Snapshot ${SNAPSHOT}$`),
  snapshotFields,
);

const SINGLE_ENTRY = new RegExp(`^ Entries:\\[${ENTRY}\\](?<rest>$| Responses:\\[$)`);
const MESSAGE_SNAPSHOT = new RegExp(`^Snapshot: ${SNAPSHOT}(?<rest>$| Responses:\\[$)`);
const LIST_END = /^\](?<rest>$| Responses:\[$)/;

/** The parts of a message after its first line's numbers; null if they are malformed. */
function parseParts(cursor: LineCursor, start: string, line: number, text: string): Item[] | null {
  const parts: Item[] = [];
  let rest = start;
  const single = SINGLE_ENTRY.exec(rest);
  if (single !== null) {
    parts.push({ kind: "entry", fields: entryFields(single), children: [], line, text });
    rest = textAt(single, "rest");
  } else if (rest === " Entries:[") {
    parts.push(...many(parseEntry, cursor));
    const end = LIST_END.exec(cursor.peek() ?? "");
    if (end === null) return null;
    rest = textAt(end, "rest");
    cursor.skip();
  }
  const snapshot = rest === "" ? MESSAGE_SNAPSHOT.exec(cursor.peek() ?? "") : null;
  if (snapshot !== null) {
    const at = { line: cursor.line, text: cursor.peek() ?? "" };
    parts.push({ kind: "snapshot", fields: snapshotFields(snapshot), children: [], ...at });
    rest = textAt(snapshot, "rest");
    cursor.skip();
  }
  if (rest === " Responses:[") {
    const children = many(parseMessage, cursor);
    if (cursor.peek() !== "]") return null;
    cursor.skip();
    parts.push({ kind: "responses", fields: {}, children, line, text });
    rest = "";
  }
  return rest === "" ? parts : null;
}

/** A node's id in a message: hexadecimal, or the name of one of its threads. */
function target(name: string): string | number {
  return /^[0-9a-f]+$/.test(name) ? Number.parseInt(name, 16) : name;
}

/** `1->2 MsgApp Term:1 Log:1/11 Commit:11 Entries:[…]` with all that belongs to it */
export function parseMessage(cursor: LineCursor): Item | null {
  const { position, line } = cursor;
  const text = cursor.peek() ?? "";
  const match = MESSAGE.exec(text);
  if (match === null) return null;
  cursor.skip();
  const children = parseParts(cursor, textAt(match, "rest"), line, text);
  if (children === null) {
    cursor.rewind(position);
    return null;
  }
  const fields = {
    dropped: match.groups?.["dropped"] !== undefined,
    from: target(textAt(match, "from")),
    to: target(textAt(match, "to")),
    type: textAt(match, "type"),
    term: numberAt(match, "term"),
    logTerm: numberAt(match, "logTerm"),
    index: numberAt(match, "index"),
    reject: match.groups?.["reject"] !== undefined,
    hint: numberAt(match, "hint"),
    commit: numberAt(match, "commit"),
    vote: numberAt(match, "vote"),
    context: textAt(match, "context"),
    priority: numberAt(match, "priority"),
  };
  return { kind: "message", fields, children, line, text };
}
