import type { Arguments } from "./arguments.js";
import type { Interaction } from "./interaction.js";
import type { ScriptNode } from "./script-node.js";
import { LOG_LEVELS, logLevelOf } from "./transcript.js";

/** No bound to the number of arguments. */
export const MANY: number = Number.MAX_SAFE_INTEGER;

/** One command of an interaction script being run: its arguments, and the group it is about. */
export class CommandContext {
  readonly group: Interaction;
  readonly args: Arguments;
  readonly input: string;

  constructor(group: Interaction, args: Arguments, input: string) {
    this.group = group;
    this.args = args;
    this.input = input;
  }

  get transcript(): Interaction["transcript"] {
    return this.group.transcript;
  }

  node(id: number): ScriptNode {
    const node = this.group.nodes[id - 1];
    if (node !== undefined) return node;
    throw this.args.fail(`there is no node ${id}; there are ${this.group.nodes.length}`);
  }

  /** The one node that the command is about. */
  only(): ScriptNode {
    return this.node(this.args.numbers(1, 1, "a node's id")[0] ?? 0);
  }

  /** A node and a word. */
  pair(what: string): { readonly node: ScriptNode; readonly word: string } {
    const [id = "", word = ""] = this.args.words(2, 2, `a node's id and ${what}`);
    return { node: this.node(this.args.toNumber(id, "a node's id")), word };
  }

  /** A node and a number. */
  numbered(what: string): { readonly node: ScriptNode; readonly value: number } {
    const { node, word } = this.pair(what);
    return { node, value: this.args.toNumber(word, what) };
  }

  /** Every named node; with a heading for each if they are several. */
  each(action: string, run: (node: ScriptNode) => void): void {
    const nodes = this.args.numbers(0, MANY, "ids of nodes").map((id) => this.node(id));
    for (const node of nodes) {
      if (nodes.length > 1) this.group.section(node, action, run);
      else run(node);
    }
  }

  setLevel(name: string): void {
    const level = logLevelOf(name);
    if (level === undefined) throw this.args.fail(`"${name}" is no log level; use ${LOG_LEVELS}`);
    this.transcript.level = level;
  }

  required(option: string): number {
    const value = this.args.number(option);
    if (value === undefined) throw this.args.fail(`it needs ${option}=`);
    return value;
  }
}
