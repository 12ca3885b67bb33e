/** An expected output with one thing changed. */
export interface Mutation {
  /** The line that was changed, counted from 0. */
  readonly line: number;
  /** What was done to it, for people. */
  readonly change: string;
  readonly lines: readonly string[];
}

/** Words that stand for something, each with another one that could stand in its place. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  true: "false",
  false: "true",
  StateFollower: "StateLeader",
  StateLeader: "StateFollower",
  StateCandidate: "StatePreCandidate",
  StatePreCandidate: "StateCandidate",
  StateProbe: "StateReplicate",
  StateReplicate: "StateSnapshot",
  StateSnapshot: "StateProbe",
  EntryNormal: "EntryConfChange",
  EntryConfChange: "EntryConfChangeV2",
  EntryConfChangeV2: "EntryNormal",
  AppendThread: "ApplyThread",
  ApplyThread: "AppendThread",
  Voter: "Non-Voter",
  "Non-Voter": "Voter",
  VoteWon: "VoteLost",
  VoteLost: "VotePending",
  VotePending: "VoteWon",
  append: "apply",
  apply: "append",
  Entries: "CommittedEntries",
  CommittedEntries: "Entries",
  MsgApp: "MsgHeartbeat",
  "∞": "1",
};

/** What may be added to a line, or taken from it: a place (kept as $1) and the addition. */
const OPTIONAL: readonly (readonly [place: RegExp, addition: string])[] = [
  [/^()(?=\w+->\w+ Msg)/, "dropped: "],
  [/( Log:\d+\/\d+)(?! Rejected)(?=$| )/, " Rejected (Hint: 7)"],
  [/( Log:\d+\/\d+(?: Rejected \(Hint: \d+\))?)(?! Rejected| Commit)(?=$| )/, " Commit:1"],
  [/( Log:\d+\/\d+(?: Rejected \(Hint: \d+\))?(?: Commit:\d+)?)(?= Context| Entries|$)/, " Vote:1"],
  [/( Log:\d+\/\d+(?: Rejected \(Hint: \d+\))?(?: Commit:\d+)?)(?= Entries|$)/, ' Context:"c"'],
  [/( Log:\d+\/\d+[^[]*?)(?= Entries| Responses|$)/, " Priority:7"],
  [/^(HardState Term:\d+)(?= Commit)/, " Vote:1"],
  [/^(\d+\/\d+ EntryConfChange\w*)$/, " v9"],
  [/( match=\d+ next=\d+)(?! learner)/, " learner"],
  [/( match=\d+ next=\d+(?: learner)?)(?! learner| paused)/, " paused"],
  [/( match=\d+ next=\d+(?: learner)?(?: paused)?)(?= inactive| inflight|$)/, " pendingSnap=7"],
  [/( match=[^[]*?)(?<! inactive)(?= inflight|$)/, " inactive"],
  [/( match=[^[]*?)(?: inflight=\d+)?$/, " inflight=7[full]"],
  [/( inflight=\d+)$/, "[full]"],
  [/^(voters=\([\d ]*\))(?!&&)/, "&&(9)"],
  [/^(voters=\([\d ]*\)(?:&&\([\d ]*\))?)(?! learners=)/, " learners=(9)"],
  [/^(voters=.*?)(?<!learners_next=\([\d ]*\))(?= autoleave|$)/, " learners_next=(9)"],
  [/^(voters=.*)(?<!autoleave)$/, " autoleave"],
  [/(Voters:\[\d+(?: \d+)*)(?=\])/, " 9"],
  [/(VotersOutgoing:\[)(?=\])/, "9"],
  [/( Learners:\[)(?=\])/, "9"],
  [/(LearnersNext:\[)(?=\])/, "9"],
  [/^()(?=x*> )/, "x"],
  [/^()(?=\? )/, ">"],
];

/** Parts that may be missing. */
const REMOVABLE =
  /dropped: | Rejected \(Hint: \d+\)| Commit:\d+| Vote:\d+| Context:"[^"]*"| Priority:\d+| learner(?= |$)| paused| pendingSnap=\d+| inactive| inflight=\d+(?:\[full\])?|\[full\]| autoleave| learners=\([\d ]*\)| learners_next=\([\d ]*\)|&&\([\d ]*\)| Entries:\[[^[\]]+\]| \[[\d ]+\](?=\})/g;

/** What a node can be seen doing. */
const ACTIONS = [
  "handling Ready",
  "receiving messages",
  "processing append thread",
  "processing apply thread",
] as const;

const TOKEN = /"(?:[^"\\]|\\.)*"|[vlru]\d+|0x[\da-f]+|\d+|[A-Za-z_]+(?:-[A-Za-z]+)*\d*|∞/g;

/** A token changed into another one of the same kind, where there is one. */
function otherToken(token: string): string {
  if (token.startsWith('"')) return `${token.slice(0, -1)}~"`;
  if (/^\d+$/.test(token)) return String(Number(token) + 1);
  if (/^[vlru]\d+$/.test(token)) return `${token.startsWith("v") ? "l" : "v"}${token.slice(1)}`;
  const other = OTHER_WORDS[token];
  if (other !== undefined) return other;
  return token.startsWith("Msg") ? "MsgApp" : `${token}x`;
}

function replaceAt(text: string, at: number, length: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + length);
}

/** Every way in which one line (without its indentation) can be changed in itself. */
function lineMutations(line: string): string[] {
  const mutated: string[] = [];
  for (const match of line.matchAll(TOKEN)) {
    mutated.push(replaceAt(line, match.index, match[0].length, otherToken(match[0])));
    // Of a membership change, the node too.
    if (/^[vlru]\d+$/.test(match[0])) mutated.push(replaceAt(line, match.index, 0, "v9 "));
  }
  for (const match of line.matchAll(REMOVABLE)) {
    mutated.push(replaceAt(line, match.index, match[0].length, ""));
  }
  if (/^x*>.*\(id=/.test(line)) mutated.push(line.replace(/^x*>/, "?"));
  for (const [i, action] of ACTIONS.entries()) {
    const other = ACTIONS[(i + 1) % ACTIONS.length] ?? "";
    if (/^> \d/.test(line) && line.endsWith(action)) mutated.push(line.replace(action, other));
  }
  for (const [place, addition] of OPTIONAL) {
    if (place.test(line)) mutated.push(line.replace(place, `$1${addition}`));
  }
  return mutated;
}

function isCompared(line: string): boolean {
  const text = line.trim();
  return text !== "" && !/^(DEBUG|INFO|WARN|ERROR|FATAL) /.test(text);
}

/** Every way in which an expected output can be changed in one place so that it means something else. */
export function* mutationsOf(lines: readonly string[]): Generator<Mutation> {
  for (const [line, text] of lines.entries()) {
    if (!isCompared(text)) continue;
    const indent = text.length - text.trimStart().length;
    for (const mutated of lineMutations(text.trim())) {
      const by = text.slice(0, indent) + mutated;
      yield {
        line,
        change: `"${text.trim()}" -> "${mutated}"`,
        lines: lines.toSpliced(line, 1, by),
      };
    }
    yield { line, change: `"${text.trim()}" twice`, lines: lines.toSpliced(line, 0, text) };
    // `ok` is what an output without a word is called.
    if (text.trim() !== "ok") {
      yield { line, change: `without "${text.trim()}"`, lines: lines.toSpliced(line, 1) };
    }
    const next = lines[line + 1];
    if (next !== undefined && isCompared(next) && next.trim() !== text.trim()) {
      const swapped = lines.toSpliced(line, 2, next, text);
      yield { line, change: `"${text.trim()}" after the next line`, lines: swapped };
    }
  }
}
