import {
  type ConfChange,
  ConfChangeTransition,
  EntryType,
  MessageType,
  makeMessage,
} from "../../../regional/raft/index.js";
import { Arguments, unknownCommand } from "./arguments.js";
import { parseChanges } from "./changes.js";
import { CommandContext, MANY } from "./command-context.js";
import { parseCommandLine } from "./command-line.js";
import { describeProgress, describeRole, MESSAGE_NAMES } from "./describe.js";
import { Interaction, type Recipient } from "./interaction.js";
import { NODE_OPTIONS, nodeSettings, nodeStorage } from "./node-options.js";
import { type Directive, scriptError } from "./script.js";
import type { ScriptNode } from "./script-node.js";

/** What a command does; it prints to the transcript. */
interface Command {
  /** The options that it takes, without `=`. */
  readonly options?: readonly string[];
  readonly run: (context: CommandContext) => void;
}

const TRANSITIONS: Readonly<Record<string, ConfChangeTransition>> = {
  auto: ConfChangeTransition.auto,
  implicit: ConfChangeTransition.jointImplicit,
  explicit: ConfChangeTransition.jointExplicit,
};

function addNodes({ group, args }: CommandContext): void {
  const [count = 0] = args.numbers(1, 1, "a number of nodes");
  const settings = nodeSettings(args);
  for (let i = 0; i < count; i++) group.add(settings, nodeStorage(args));
}

/** Who gets messages and whose are lost, in the order in which they are named. */
function recipientsOf(context: CommandContext): Recipient[] {
  const { args } = context;
  const recipients: Recipient[] = [];
  for (const { key, values } of args.inOrder) {
    const drop = values !== null;
    if (drop && key !== "drop") continue;
    for (const word of values ?? [key]) {
      const id = args.toNumber(word, "the id of a recipient");
      if (recipients.some((other) => other.id === id)) {
        throw args.fail(`${id} is named twice; its messages are either delivered or dropped`);
      }
      // Messages may be lost on their way to nodes that aren't there yet.
      recipients.push({ id: drop ? id : context.node(id).id, drop });
    }
  }
  return recipients;
}

function deliver(context: CommandContext): void {
  const { group, args } = context;
  const name = args.value("type");
  const type = [...MESSAGE_NAMES].find(([, known]) => known === name)?.[0];
  if (name !== undefined && type === undefined) throw args.fail(`unknown message type ${name}`);
  const count = group.deliver(type ?? null, recipientsOf(context));
  if (count === 0) group.transcript.print("no messages");
}

function stabilize(context: CommandContext): void {
  const { group, args, transcript } = context;
  const ids = args.numbers(0, MANY, "ids of nodes");
  const before = transcript.level;
  const level = args.value("log-level");
  if (level !== undefined) context.setLevel(level);
  try {
    group.stabilize(ids.length === 0 ? group.nodes : ids.map((id) => context.node(id)));
  } finally {
    transcript.level = before;
  }
}

function proposeChange(context: CommandContext): void {
  const { args, group, input } = context;
  const node = context.only();
  const name = args.value("transition") ?? "auto";
  const transition = TRANSITIONS[name];
  if (transition === undefined) {
    throw args.fail(`unknown transition ${name}; use ${Object.keys(TRANSITIONS).join(", ")}`);
  }
  const changes = parseChanges(input, (problem) => args.fail(problem));
  const change: ConfChange = { transition, changes, context: new Uint8Array(0) };
  const old = args.boolean("v1") ?? false;
  if (old && (changes.length !== 1 || transition !== ConfChangeTransition.auto)) {
    throw args.fail("with v1 there is one change, and no transition");
  }
  group.proposeChange(node, change, old ? EntryType.confChange : EntryType.confChangeV2);
}

function sendSnapshot(context: CommandContext): void {
  const { node, value: to } = context.numbered("the id of a recipient");
  const snapshot = node.storage.snapshot();
  const { term } = node.raft.status();
  const message = makeMessage({ type: MessageType.snap, from: node.id, to, term, snapshot });
  context.group.send(message);
  context.transcript.print(context.group.describe(message));
}

function printStates({ group, transcript, args }: CommandContext): void {
  args.words(0, 0, "nothing");
  for (const { raft } of group.nodes) {
    const { id, raftState, confState, term, lead } = raft.status();
    const votes = confState.voters.includes(id) || confState.votersOutgoing.includes(id);
    transcript.print(
      `${id}: ${describeRole(raftState)} (${votes ? "Voter" : "Non-Voter"}) Term:${term} Lead:${lead}`,
    );
  }
}

function printStatus(context: CommandContext): void {
  const { progress } = context.only().raft.status();
  for (const one of progress?.values() ?? []) context.transcript.print(describeProgress(one));
}

function tick(node: ScriptNode, count: number): void {
  for (let i = 0; i < count; i++) node.raft.tick();
}

function compact(context: CommandContext): void {
  const { node, value } = context.numbered("an index");
  if (node.storage.compact(value)) context.group.printLog(node);
  else context.transcript.error("requested index is unavailable due to compaction");
}

function transfer(context: CommandContext): void {
  context.args.words(0, 0, "from= and to=");
  context.node(context.required("from")).raft.transferLeader(context.required("to"));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The commands of etcd-io/raft's `rafttest/interaction_env_handler.go`. */
const COMMANDS: Readonly<Record<string, Command>> = {
  _breakpoint: { run: () => {} },
  "add-nodes": { options: NODE_OPTIONS, run: addNodes },
  campaign: { run: (context) => context.only().raft.campaign() },
  compact: { run: compact },
  "deliver-msgs": { options: ["type", "drop"], run: deliver },
  "forget-leader": { run: (context) => context.only().raft.forgetLeader() },
  "log-level": {
    run: (context) => context.setLevel(context.args.words(1, 1, "a log level")[0] ?? ""),
  },
  "process-ready": {
    run: (context) => context.each("handling Ready", (node) => context.group.processReady(node)),
  },
  "process-append-thread": {
    run: (context) =>
      context.each("processing append thread", (node) => context.group.processAppend(node)),
  },
  "process-apply-thread": {
    run: (context) =>
      context.each("processing apply thread", (node) => context.group.processApply(node)),
  },
  propose: {
    run: (context) => {
      const { node, word } = context.pair("what is proposed");
      context.group.propose(node, encode(word));
    },
  },
  "propose-conf-change": { options: ["v1", "transition"], run: proposeChange },
  "raft-log": { run: (context) => context.group.printLog(context.only()) },
  "raft-state": { run: printStates },
  "report-unreachable": {
    run: (context) => {
      const { node, value } = context.numbered("the id of the other");
      node.raft.reportUnreachable(value);
    },
  },
  "send-snapshot": { run: sendSnapshot },
  "set-randomized-election-timeout": {
    options: ["timeout"],
    run: (context) => {
      const timeout = context.required("timeout");
      if (timeout === 0) throw context.args.fail("timeout is 0; it must be at least one tick");
      context.only().raft.setElectionTimeout(timeout);
    },
  },
  stabilize: { options: ["log-level"], run: stabilize },
  status: { run: printStatus },
  tick: {
    run: (context) => {
      const { node, value } = context.numbered("a number of ticks");
      tick(node, value);
    },
  },
  "tick-election": {
    run: (context) => {
      const node = context.only();
      tick(node, node.settings.electionTicks);
    },
  },
  "tick-heartbeat": {
    run: (context) => {
      const node = context.only();
      tick(node, node.settings.heartbeatTicks);
    },
  },
  "transfer-leadership": { options: ["from", "to"], run: transfer },
};

/** What else a node can be asked to do; these commands are Atoll's own. */
const OWN_COMMANDS: Readonly<Record<string, Command>> = {
  elapse: {
    run: (context) => {
      const { node, value } = context.numbered("a number of ticks");
      node.raft.elapse(value);
    },
  },
  "read-index": {
    run: (context) => {
      const { node, word } = context.pair("a context");
      if (!node.raft.readIndex(encode(word))) context.transcript.print("no leader to read from");
    },
  },
  "report-snapshot": {
    options: ["ok"],
    run: (context) => {
      const { node, value } = context.numbered("the id of the recipient");
      node.raft.reportSnapshot(value, context.args.boolean("ok") ?? true);
    },
  },
  restart: { run: (context) => context.group.restart(context.only()) },
  "show-contexts": {
    run: (context) => {
      context.args.words(0, 0, "nothing");
      context.group.contexts = true;
    },
  },
};

const ALL_COMMANDS = new Map(Object.entries({ ...COMMANDS, ...OWN_COMMANDS }));

/** The command whose input is not a list of further commands. */
const TAKES_INPUT = "propose-conf-change";

/** The commands in the lines after a command, which share its output. */
function commandsIn(directive: Directive): Directive[] {
  const lines = directive.input.split("\n");
  return lines.flatMap((text, i) => {
    if (text.trim() === "") return [];
    const place = { file: directive.place.file, line: directive.place.line + 1 + i };
    const parsed = parseCommandLine(text.trim(), (problem) => scriptError(place, problem));
    return [{ ...directive, ...parsed, place, input: "" }];
  });
}

/** Runs the commands of one interaction script, in order. */
export class InteractionCommands {
  readonly #group = new Interaction();

  /**
   * Runs a command, and those in the lines of its input, and returns what they print together.
   * @throws AtollError INVALID_ARGUMENT with file and line if a command is malformed; what
   *   the core throws when its rules are broken
   */
  run(directive: Directive): string[] {
    this.#runOne(directive);
    if (directive.command !== TAKES_INPUT) {
      for (const command of commandsIn(directive)) this.#runOne(command);
    }
    return this.#group.transcript.take();
  }

  #runOne(directive: Directive): void {
    const command = ALL_COMMANDS.get(directive.command);
    if (command === undefined) throw unknownCommand(directive, ALL_COMMANDS.keys());
    const args = new Arguments(directive, command.options ?? []);
    command.run(new CommandContext(this.#group, args, directive.input));
  }
}
