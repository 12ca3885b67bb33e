import {
  type Changed,
  changeSimply,
  enterJoint,
  leaveJoint,
} from "../../../regional/raft/membership.js";
import { Tracker } from "../../../regional/raft/tracker.js";
import type { ConfState } from "../../../regional/raft/types.js";
import { AtollError } from "../../../shared/errors.js";
import { Arguments, unknownCommand } from "./arguments.js";
import { parseChanges } from "./changes.js";
import { describeProgress } from "./describe.js";
import type { Directive } from "./script.js";

/** As etcd-io/raft's `confchange` tests have it. */
const MAX_INFLIGHT_MESSAGES = 10;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** The commands and their options. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  simple: [],
  "enter-joint": ["autoleave"],
  "leave-joint": [],
};

function describeMembership(conf: ConfState): string {
  const set = (ids: readonly number[]): string => `(${ids.join(" ")})`;
  const words = [`voters=${set(conf.voters)}`];
  if (conf.votersOutgoing.length > 0) words[0] += `&&${set(conf.votersOutgoing)}`;
  if (conf.learners.length > 0) words.push(`learners=${set(conf.learners)}`);
  if (conf.learnersNext.length > 0) words.push(`learners_next=${set(conf.learnersNext)}`);
  if (conf.autoLeave) words.push("autoleave");
  return words.join(" ");
}

/** Runs the commands of one script of membership changes, in order. */
export class MembershipCommands {
  readonly #tracker = new Tracker(MAX_INFLIGHT_MESSAGES, NO_LIMIT);
  /** The end of an imaginary log, which each command makes longer. */
  #lastIndex = 0;

  /**
   * Runs `simple`, `enter-joint` or `leave-joint` and prints the membership that it leads to,
   * or why there is none.
   * @throws AtollError INVALID_ARGUMENT with file and line if the command is malformed
   */
  run(directive: Directive): string[] {
    const change = this.#changeOf(directive);
    const lastIndex = this.#lastIndex++;
    try {
      this.#tracker.switchTo(change(), lastIndex);
    } catch (error) {
      if (error instanceof AtollError && error.code === "FAILED_PRECONDITION") {
        return [error.message];
      }
      throw error;
    }
    const nodes = this.#tracker.nodes.map((node) => describeProgress(node.toStatus()));
    return [describeMembership(this.#tracker.conf), ...nodes];
  }

  #changeOf(directive: Directive): () => Changed {
    const { command, input } = directive;
    const options = OPTIONS[command];
    if (options === undefined) throw unknownCommand(directive, Object.keys(OPTIONS));
    const args = new Arguments(directive, options);
    args.words(0, 0, "options only");
    const changes = parseChanges(input, (problem) => args.fail(problem));
    const { conf } = this.#tracker;
    switch (command) {
      case "enter-joint":
        return () => enterJoint(conf, args.boolean("autoleave") ?? false, changes);
      case "leave-joint":
        if (changes.length > 0) throw args.fail("it takes no changes");
        return () => leaveJoint(conf);
      default:
        return () => changeSimply(conf, changes);
    }
  }
}
