import {
  firstOf,
  type Item,
  type ItemParser,
  LineCursor,
  many,
  numberAt,
  oneLine,
  textAt,
} from "./items.js";
import { parseEntry, parseMessage, parseSnapshot } from "./parse-message.js";

/** `Entries:` and the like: a heading, and what follows it. */
function heading(kind: string, title: string, parseChild: ItemParser): ItemParser {
  const parseTitle = oneLine(kind, new RegExp(`^${title}$`), () => ({}));
  return (cursor) => {
    const item = parseTitle(cursor);
    return item === null ? null : { ...item, children: many(parseChild, cursor) };
  };
}

const parseSoftState = oneLine(
  "soft-state",
  /^Lead:(?<lead>\d+) State:(?<state>State\w+)$/,
  (m) => ({
    lead: numberAt(m, "lead"),
    state: textAt(m, "state"),
  }),
);

const parseHardState = oneLine(
  "hard-state",
  /^HardState Term:(?<term>\d+)(?: Vote:(?<vote>\d+))? Commit:(?<commit>\d+)$/,
  (m) => ({
    term: numberAt(m, "term"),
    vote: numberAt(m, "vote"),
    commit: numberAt(m, "commit"),
  }),
);

/** `ReadStates [{11 [97 98]} {12 [99]}]` */
const parseReadStates: ItemParser = (cursor) => {
  const item = oneLine(
    "read-states",
    /^ReadStates \[(?<list>\{\d+ \[[\d ]*\]\}(?: .*)?)\]$/,
    (m) => ({
      list: textAt(m, "list"),
    }),
  )(cursor);
  if (item === null) return null;
  const children: Item[] = [];
  for (const match of String(item.fields["list"]).matchAll(
    /\{(?<index>\d+) \[(?<context>[\d ]*)\]\}/g,
  )) {
    const fields = { index: numberAt(match, "index"), context: textAt(match, "context") };
    children.push({ ...item, kind: "read-state", fields, children: [] });
  }
  return { ...item, children };
};

const parseReadyPart = firstOf([
  parseSoftState,
  parseHardState,
  parseReadStates,
  heading("entries", "Entries:", parseEntry),
  parseSnapshot,
  heading("committed-entries", "CommittedEntries:", parseEntry),
  heading("messages", "Messages:", parseMessage),
]);

const parseReadyHead = oneLine("ready", /^Ready MustSync=(?<sync>true|false):$/, (m) => ({
  mustSync: textAt(m, "sync") === "true",
}));

const parseReady: ItemParser = (cursor) => {
  const item = parseReadyHead(cursor);
  return item === null ? null : { ...item, children: many(parseReadyPart, cursor) };
};

const parseProgress = oneLine(
  "progress",
  /^(?<id>\d+): (?<state>State\w+) match=(?<match>\d+) next=(?<next>\d+)(?<learner> learner)?(?<paused> paused)?(?: pendingSnap=(?<pending>\d+))?(?<inactive> inactive)?(?: inflight=(?<inflight>\d+)(?<full>\[full\])?)?$/,
  (m) => ({
    id: numberAt(m, "id"),
    state: textAt(m, "state"),
    match: numberAt(m, "match"),
    next: numberAt(m, "next"),
    learner: textAt(m, "learner") !== "",
    paused: textAt(m, "paused") !== "",
    pendingSnapshot: numberAt(m, "pending"),
    inactive: textAt(m, "inactive") !== "",
    inflight: numberAt(m, "inflight"),
    full: textAt(m, "full") !== "",
  }),
);

const parseRaftState = oneLine(
  "raft-state",
  /^(?<id>\d+): (?<state>State\w+) \((?<voter>Voter|Non-Voter)\) Term:(?<term>\d+) Lead:(?<lead>\d+)$/,
  (m) => ({
    id: numberAt(m, "id"),
    state: textAt(m, "state"),
    voter: textAt(m, "voter") === "Voter",
    term: numberAt(m, "term"),
    lead: numberAt(m, "lead"),
  }),
);

const parseEmptyLog = oneLine(
  "empty-log",
  /^log is empty: first index=(?<first>\d+), last index=(?<last>\d+)$/,
  (m) => ({ first: numberAt(m, "first"), last: numberAt(m, "last") }),
);

const parseMembership = oneLine(
  "membership",
  /^voters=\((?<voters>[\d ]*)\)(?:&&\((?<outgoing>[\d ]*)\))?(?: learners=\((?<learners>[\d ]*)\))?(?: learners_next=\((?<next>[\d ]*)\))?(?<autoLeave> autoleave)?$/,
  (m) => ({
    voters: textAt(m, "voters"),
    votersOutgoing: textAt(m, "outgoing"),
    learners: textAt(m, "learners"),
    learnersNext: textAt(m, "next"),
    autoLeave: textAt(m, "autoLeave") !== "",
  }),
);

/** One voter of a quorum's picture: its index, and how many voters are behind it. */
const parseAcknowledgement = oneLine(
  "acknowledgement",
  /^(?:(?<bar>x*)>|\?) +(?<index>\d+) +\(id=(?<id>\d+)\)$/,
  (m) => ({
    id: numberAt(m, "id"),
    index: numberAt(m, "index"),
    known: m.groups?.["bar"] !== undefined,
    bar: textAt(m, "bar").length,
  }),
);

/** Anything else (an answer, an error, a result) means exactly its words. */
const parseText = oneLine("text", /^.*$/, (m) => ({ words: m[0].replace(/\s+/g, " ") }));

const parseInner = firstOf([
  parseReady,
  heading("processing", "Processing:", parseMessage),
  heading("responses", "Responses:", parseMessage),
  parseMessage,
  parseEntry,
  parseProgress,
  parseRaftState,
  parseEmptyLog,
  parseMembership,
  parseAcknowledgement,
]);

const parseSectionHead = oneLine(
  "section",
  /^> (?<node>\d+) (?<action>handling Ready|receiving messages|processing append thread|processing apply thread)$/,
  (m) => ({ node: numberAt(m, "node"), action: textAt(m, "action") }),
);

const parseSectionPart: ItemParser = (cursor) =>
  cursor.peek()?.startsWith("> ") === true ? null : firstOf([parseInner, parseText])(cursor);

/** `> 1 handling Ready` and all that the node did in it */
const parseSection: ItemParser = (cursor) => {
  const item = parseSectionHead(cursor);
  return item === null ? null : { ...item, children: many(parseSectionPart, cursor) };
};

const parseTop = firstOf([parseSection, parseInner, parseText]);

/**
 * What an output says. Lines of loggers say nothing; nor does `ok`, which stands for an
 * output without a word.
 */
export function parseOutput(lines: readonly string[]): readonly Item[] {
  const items = many(parseTop, new LineCursor(lines));
  const [only] = items;
  return items.length === 1 && only?.fields["words"] === "ok" ? [] : items;
}
