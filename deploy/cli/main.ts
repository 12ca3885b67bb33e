import { Command, CommanderError } from "commander";
import { AtollError, errorText } from "../../shared/errors.js";
import { environmentOf, groupOption, leaf, regionLeaf, regionOption } from "./command.js";
import { type ContractOptions, contractOf, withContractOptions } from "./contract-options.js";
import { type DigestFilter, getDigest } from "./digest.js";
import { verifyDigests } from "./digest-verify.js";
import { watchDigest } from "./digest-watch.js";
import { durationMs } from "./duration.js";
import { addRegionCommands } from "./region-commands.js";
import { showRegions } from "./regions.js";
import { type ResolveOptions, resolveGroup } from "./resolve.js";
import { showStatus } from "./status.js";
import { applySummary, deleteSummary } from "./summary-change.js";
import { listSummaries, showSummary } from "./summary-show.js";
import { type WaitOptions, waitForWrite } from "./wait.js";

function addSummaryCommands(program: Command): void {
  const summary = program
    .command("summary")
    .description("apply, list, show and delete summary definitions")
    .addHelpText("after", "\nExample: atoll summary list");
  regionLeaf(
    summary,
    "apply",
    "store a definition in every region",
    "summary apply -f machines.yaml --region us-east",
  )
    .requiredOption("-f, --file <file>", "the definition, YAML or JSON; - reads standard input")
    .addOption(regionOption())
    .action(async (options: { file: string; region: string[] }, command: Command) => {
      await applySummary(environmentOf(command), options.file, options.region);
    });
  regionLeaf(summary, "list", "list the definitions of every region", "summary list -o json")
    .addOption(regionOption())
    .action(async (options: { region: string[] }, command: Command) => {
      await listSummaries(environmentOf(command), options.region);
    });
  regionLeaf(
    summary,
    "show <name>",
    "show a definition and how it fares in every region",
    "summary show machines",
  )
    .addOption(regionOption())
    .action(async (name: string, options: { region: string[] }, command: Command) => {
      await showSummary(environmentOf(command), name, options.region);
    });
  regionLeaf(
    summary,
    "delete <name>",
    "delete a definition from every region",
    "summary delete machines",
  )
    .addOption(regionOption())
    .action(async (name: string, options: { region: string[] }, command: Command) => {
      await deleteSummary(environmentOf(command), name, options.region);
    });
}

interface DigestOptions extends ContractOptions {
  readonly group: string[];
  readonly prefix?: string;
  readonly region: string[];
  readonly interval?: string;
}

function filterOf(options: DigestOptions): DigestFilter {
  const { group: groups, region: regions, prefix = "", interval } = options;
  const intervalMs = interval === undefined ? 0 : durationMs(interval, "--interval");
  return { groups, prefix, regions, contract: contractOf(options), intervalMs };
}

function addDigestCommands(program: Command): void {
  const digest = program
    .command("digest")
    .description("read and follow the merged view of all regions")
    .addHelpText("after", "\nExample: atoll digest watch machines");
  const narrowed = (command: Command): Command =>
    withContractOptions(
      command
        .addOption(groupOption())
        .option("--prefix <text>", "only groups whose first value begins with this")
        .addOption(regionOption()),
    );
  narrowed(
    leaf(
      digest,
      "get <summary>",
      "read a summary, merged over regions",
      "digest get machines --group api --max-staleness 5s",
    ),
  ).action(async (summary: string, options: DigestOptions, command: Command) => {
    await getDigest(environmentOf(command), summary, filterOf(options));
  });
  withContractOptions(
    leaf(
      digest,
      "wait <summary>",
      "wait until a write that a region has acknowledged is in the summary",
      "digest wait machines --region eu-west --revision 812 --cluster-id 14841639068965178418",
    ),
  )
    .option("--region <name>", "region in which it was written")
    .option("--revision <n>", "revision in the header of the put's answer")
    .option("--cluster-id <n>", "cluster id in that header")
    .option("--nonce <hex>", "nonce of the region's life, instead of the cluster id")
    .option("--timeout <duration>", "how long to wait", "30s")
    .action(async (summary: string, options: WaitOptions, command: Command) => {
      await waitForWrite(environmentOf(command), summary, options);
    });
  narrowed(
    leaf(
      digest,
      "watch <summary>",
      "follow a summary: a snapshot, then each change",
      "digest watch machines --prefix a --interval 1s -o json",
    ),
  )
    .option("--interval <duration>", "shortest time between two updates")
    .action(async (summary: string, options: DigestOptions, command: Command) => {
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
      await watchDigest(environmentOf(command), summary, filterOf(options), stop.signal);
    });
  regionLeaf(
    digest,
    "verify [summary]",
    "fold sections anew from the regions' state, and compare with what each gateway holds",
    "digest verify machines --region us-east",
  )
    .addOption(regionOption())
    .action(
      async (summary: string | undefined, options: { region: string[] }, command: Command) => {
        await verifyDigests(environmentOf(command), summary ?? "", options.region);
      },
    );
}

function addResolveCommand(program: Command): void {
  leaf(
    program,
    "resolve <summary>",
    "rank the regions that can serve a group, with the reasons",
    "resolve machines --group api --capacity spare --min-capacity 100",
  )
    .requiredOption("--group <group>", 'the group: a value, or a JSON array such as ["api","blue"]')
    .addOption(regionOption())
    .option("--capacity <measure>", "measure that says how much a region can take")
    .option("--min-capacity <n>", "the least of it that serves (default: anything above 0)")
    .option("--max-staleness <duration>", "the oldest digest that counts (default: 3s)")
    .action(async (summary: string, options: ResolveOptions, command: Command) => {
      await resolveGroup(environmentOf(command), summary, options);
    });
}

function buildProgram(): Command {
  const program = new Command("atoll")
    .description("Looks at and steers a deployment of Atoll")
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", "\nExample: atoll status");
  regionLeaf(
    program,
    "status",
    "show every member and gateway of all regions",
    "status -o json",
  ).action(async (_options: unknown, command: Command) => showStatus(environmentOf(command)));
  leaf(program, "regions", "show each region's version, freshness and gateways", "regions").action(
    async (_options: unknown, command: Command) => showRegions(environmentOf(command)),
  );
  addSummaryCommands(program);
  addDigestCommands(program);
  addRegionCommands(program);
  addResolveCommand(program);
  return program;
}

// What Node says to developers is not for those who use a command. (grpc-js gives an IP address
// as TLS server name, which Node leaves out, and says so.)
process.noDeprecation = true;

try {
  await buildProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    const code = error instanceof AtollError ? ` [${error.code}]` : "";
    process.stderr.write(`atoll: ${errorText(error)}${code}\n`);
    process.exitCode = 1;
  }
}
