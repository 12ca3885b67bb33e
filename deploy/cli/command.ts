import { type Command, Option } from "commander";
import { readTopology } from "../../shared/topology.js";
import { Environment, findTopologyFile, type OutputForm } from "./environment.js";
import { givenEtcdOptions, withEtcdOptions } from "./etcd-options.js";

interface GlobalOptions {
  readonly topology?: string;
  readonly output: OutputForm;
}

function write(text: string): void {
  process.stdout.write(text);
}

function withCommonOptions(command: Command): Command {
  return command
    .option(
      "--topology <file>",
      "topology file (default: $ATOLL_TOPOLOGY, else .atoll/topology.json)",
    )
    .addOption(
      new Option("-o, --output <form>", "how to print").choices(["table", "json"]).default("table"),
    );
}

/** What a command is given, by its common options. */
export function environmentOf(command: Command): Environment {
  const { topology, output, ...others } = command.optsWithGlobals<GlobalOptions>();
  const file = findTopologyFile(topology, process.env);
  const etcd = givenEtcdOptions(others, process.env);
  return new Environment(readTopology(file), output, write, file, etcd);
}

/** A leaf command with its example, its common options, and its way to the environment. */
export function leaf(
  parent: Command,
  nameAndArguments: string,
  description: string,
  example: string,
): Command {
  const command = withCommonOptions(parent.command(nameAndArguments).description(description));
  return command.addHelpText("after", `\nExample: atoll ${example}`);
}

/** The same, for a command that asks the regions themselves. */
export function regionLeaf(
  parent: Command,
  nameAndArguments: string,
  description: string,
  example: string,
): Command {
  return withEtcdOptions(leaf(parent, nameAndArguments, description, example));
}

/** Collects an option that may be given several times. */
export const collect = (value: string, earlier: readonly string[] | undefined): string[] => [
  ...(earlier ?? []),
  value,
];

/** An option that may be given several times, and is empty for all. */
function narrowing(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be given several times`)
    .argParser(collect)
    .default([], "all");
}

/** Narrows a command to some regions. */
export function regionOption(): Option {
  return narrowing("--region <name>", "only this region");
}

/** Narrows a command to some groups. */
export function groupOption(): Option {
  return narrowing(
    "--group <group>",
    'only this group: a value, or a JSON array such as ["api","blue"]',
  );
}
