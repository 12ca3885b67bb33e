import { type Command, Option } from "commander";
import { readTopology } from "../../shared/topology.js";
import { Environment, findTopologyFile, type OutputForm } from "./environment.js";
import { givenEtcdOptions, withEtcdOptions } from "./etcd-options.js";

interface GlobalOptions {
  readonly topology?: string;
  readonly output: OutputForm;
}

/** Collects an option that may be given several times. */
export const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

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

/** Narrows a command to some regions. */
export const REGION_OPTION = [
  "--region <name>",
  "only this region; may be given several times",
  collect,
  [] as string[],
] as const;
