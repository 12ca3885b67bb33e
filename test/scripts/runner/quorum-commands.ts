import {
  jointIndex,
  jointVote,
  majorityIndex,
  majorityVote,
  type VoteResult,
} from "../../../regional/raft/quorum.js";
import { NO_LIMIT } from "../../../regional/raft/size.js";
import { Arguments, unknownCommand } from "./arguments.js";
import { type Acknowledged, drawQuorum } from "./quorum-picture.js";
import type { Directive } from "./script.js";

const VOTES: Readonly<Record<VoteResult, string>> = {
  pending: "VotePending",
  lost: "VoteLost",
  won: "VoteWon",
};

function indexText(index: number): string {
  return index === NO_LIMIT ? "∞" : String(index);
}

function lookup(acknowledged: Acknowledged): { ackedIndex(id: number): number } {
  return { ackedIndex: (id) => acknowledged.get(id) ?? 0 };
}

/** The largest index that enough voters have reached, by trying each. */
function countedIndex(voters: readonly number[], acknowledged: Acknowledged): number {
  if (voters.length === 0) return NO_LIMIT;
  const quorum = Math.floor(voters.length / 2) + 1;
  let best = 0;
  for (const candidate of acknowledged.values()) {
    const reached = voters.filter((id) => (acknowledged.get(id) ?? 0) >= candidate);
    if (reached.length >= quorum) best = Math.max(best, candidate);
  }
  return best;
}

/** Says of a second way to the same result that it led elsewhere. */
function disagreement(result: string, other: string, way: string): string[] {
  return result === other ? [] : [`${other} <-- ${way}`];
}

/** Voters behind the committed index: how far behind they are must not matter. */
function overlays(voters: readonly number[], acknowledged: Acknowledged, index: number): string[] {
  const lines: string[] = [];
  for (const id of voters) {
    const own = acknowledged.get(id) ?? 0;
    if (own === 0 || index <= own) continue;
    for (const lower of [own - 1, 0]) {
      const changed = lookup(new Map(acknowledged).set(id, lower));
      const other = indexText(majorityIndex(voters, changed));
      lines.push(...disagreement(indexText(index), other, `overlaying ${id}->${lower}`));
    }
  }
  return lines;
}

function committedByMajority(voters: readonly number[], acknowledged: Acknowledged): string[] {
  const acks = lookup(acknowledged);
  const index = majorityIndex(voters, acks);
  const result = indexText(index);
  const other = (value: number, way: string): string[] =>
    disagreement(result, indexText(value), `via ${way}`);
  return [
    ...other(countedIndex(voters, acknowledged), "alternative computation"),
    ...other(jointIndex(voters, [], acks), "zero-joint quorum"),
    ...other(jointIndex(voters, voters, acks), "self-joint quorum"),
    ...overlays(voters, acknowledged, index),
    result,
  ];
}

/** The arguments of a quorum command: two sets of voters, and a word for each voter. */
interface Setting {
  readonly voters: readonly number[];
  /** null if the quorum is not joint. */
  readonly outgoing: readonly number[] | null;
  readonly all: readonly number[];
  readonly words: readonly string[];
}

function voterSet(args: Arguments, name: string): number[] {
  return [...new Set(args.numberList(name))];
}

function readSetting(args: Arguments, wordsName: string): Setting {
  args.words(0, 0, `cfg=, cfgj= and ${wordsName}=`);
  const voters = voterSet(args, "cfg");
  const zero = args.list("cfgj").length === 1 && args.list("cfgj")[0] === "zero";
  const outgoing = args.has("cfgj") ? (zero ? [] : voterSet(args, "cfgj")) : null;
  const all = [...new Set([...voters, ...(outgoing ?? [])])];
  return { voters, outgoing, all, words: args.list(wordsName) };
}

/** Gives each voter its word, in the order in which they are named; `_` stands for none. */
function assign<T>(
  { all, words }: Setting,
  meaning: (word: string) => T,
): ReadonlyMap<number, T> | null {
  if (all.length !== words.length) return null;
  const assigned = new Map<number, T>();
  for (const [i, id] of all.entries()) {
    const word = words[i] ?? "_";
    if (word !== "_") assigned.set(id, meaning(word));
  }
  return assigned;
}

function mismatch({ all, words }: Setting): string[] {
  const voters = [...all].sort((a, b) => a - b).map((id) => `${id}:{}`);
  // Go prints a missing value as the number that stands for it.
  const given = words.map((word) => ({ _: "0", n: "1", y: "2" })[word] ?? word);
  return [
    `error: mismatched input (explicit or _) for voters map[${voters.join(" ")}]: [${given.join(" ")}]`,
  ];
}

function committed(args: Arguments): string[] {
  const setting = readSetting(args, "idx");
  const acknowledged = assign(setting, (word) => {
    const index = args.toNumber(word, "idx");
    if (index === 0) throw args.fail("idx holds 0; a voter that has nothing is _");
    return index;
  });
  if (acknowledged === null) return mismatch(setting);
  const { voters, outgoing, all } = setting;
  const picture = all.length === 0 ? [] : drawQuorum(all, acknowledged);
  const results =
    outgoing === null
      ? committedByMajority(voters, acknowledged)
      : committedJointly(voters, outgoing, acknowledged);
  if (all.length > 0) return [...picture, ...results];
  const [first = "", ...rest] = results;
  return [`<empty majority quorum>${first}`, ...rest];
}

function committedJointly(
  voters: readonly number[],
  outgoing: readonly number[],
  acknowledged: Acknowledged,
): string[] {
  const acks = lookup(acknowledged);
  const result = indexText(jointIndex(voters, outgoing, acks));
  const swapped = indexText(jointIndex(outgoing, voters, acks));
  return [...disagreement(result, swapped, "via symmetry"), result];
}

function vote(args: Arguments): string[] {
  const setting = readSetting(args, "votes");
  const votes = assign(setting, (word) => {
    if (word !== "y" && word !== "n") throw args.fail(`unknown vote ${word}; it is y, n or _`);
    return word === "y";
  });
  if (votes === null) return mismatch(setting);
  const { voters, outgoing } = setting;
  if (outgoing === null) return [VOTES[majorityVote(voters, votes)]];
  const result = VOTES[jointVote(voters, outgoing, votes)];
  const swapped = VOTES[jointVote(outgoing, voters, votes)];
  return [...disagreement(result, swapped, "via symmetry"), result];
}

/**
 * Runs `committed` and `vote`: `cfg` is a majority's voters, `cfgj` those of a second one joint
 * to it (`zero`: an empty one), `idx` or `votes` what each voter says.
 * @throws AtollError INVALID_ARGUMENT with file and line if the command is malformed
 */
export function runQuorumCommand(directive: Directive): string[] {
  switch (directive.command) {
    case "committed":
      return committed(new Arguments(directive, ["cfg", "cfgj", "idx"]));
    case "vote":
      return vote(new Arguments(directive, ["cfg", "cfgj", "votes"]));
    default:
      throw unknownCommand(directive, ["committed", "vote"]);
  }
}
