import { type Command, InvalidArgumentError } from "commander";
import { environmentOf, leaf, regionLeaf } from "./command.js";
import { withEtcdOptions } from "./etcd-options.js";
import { adoptLife, forgetRegion, type OrderOptions } from "./orders.js";
import { type RaiseOptions, raiseRestoreEpoch } from "./restore-epoch.js";

const YES_OPTION = ["--yes", "do it; without it the command says what it would do", false] as const;
const KEY_OPTION = [
  "--operator-key <file>",
  "the operators' private key (default: keys/_operators.pem beside the topology)",
] as const;

function natural(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

function orderCommand(parent: Command, words: string, description: string, example: string) {
  return leaf(parent, words, description, example)
    .option(...KEY_OPTION)
    .option(...YES_OPTION);
}

/** `atoll region`: what operators decide of regions. */
export function addRegionCommands(program: Command): void {
  const region = program
    .command("region")
    .description("settle what a region is: restored, adopted, forgotten")
    .addHelpText("after", "\nExample: atoll region forget us-east --yes");
  orderCommand(
    region,
    "forget <region>",
    "remove a region everywhere and for good; a later incarnation may come back",
    "region forget us-east --yes",
  )
    .option("--incarnation <counter>", "up to this one (default: the highest known)", natural)
    .action(
      async (name: string, options: OrderOptions & { incarnation?: number }, command: Command) =>
        forgetRegion(environmentOf(command), name, options.incarnation, options),
    );
  const adopt = orderCommand(
    region,
    "adopt <region> <nonce>",
    "settle for one life of a region: of two in conflict, or one that came out of turn",
    "region adopt us-east 5f3a9c --yes",
  );
  withEtcdOptions(adopt).action(
    async (name: string, nonce: string, options: OrderOptions, command: Command) =>
      adoptLife(environmentOf(command), name, nonce, options),
  );
  const epoch = region
    .command("restore-epoch")
    .description("tell of a restored store")
    .addHelpText("after", "\nExample: atoll region restore-epoch raise us-east --yes");
  regionLeaf(
    epoch,
    "raise <region>",
    "begin a new incarnation after the region's store was restored from a backup",
    "region restore-epoch raise us-east --yes",
  )
    .option("--base-revision <n>", "revision of the backup (default: by the lineage key)", natural)
    .option(...YES_OPTION)
    .action(async (name: string, options: RaiseOptions, command: Command) =>
      raiseRestoreEpoch(environmentOf(command), name, options),
    );
}
