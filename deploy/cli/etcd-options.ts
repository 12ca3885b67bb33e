import type { Command } from "commander";
import {
  ETCD_OPTIONS,
  type EtcdOption,
  type EtcdSourceOf,
  parseEtcdAccess,
} from "../../shared/etcd/access-options.js";
import type { GivenEtcdOptions } from "../../shared/etcd/region-access.js";

/** The options of commands that ask the regions themselves, named as those of gateways. */
export function withEtcdOptions(command: Command): Command {
  return command
    .option("--etcd-cacert <file>", "connect to regions by TLS, and trust these certificates (PEM)")
    .option("--etcd-cert <file>", "this client's certificate, where a region asks for one")
    .option("--etcd-key <file>", "the key to it")
    .option("--etcd-server-name <name>", "the name in a region's certificates, if not the address")
    .option("--etcd-user <name>", "who to log in to regions as")
    .option("--etcd-password-file <file>", "the password; ATOLL_ETCD_PASSWORD holds one, too")
    .addHelpText(
      "after",
      "\nEach --etcd-… can also be given as a variable, ATOLL_ETCD_CACERT and so on, or for each" +
        '\nregion in the topology: "etcd": {"cacert": "ca.pem", "user": "atoll", …}.',
    );
}

/** commander's name of an option's value. */
function camelCase(option: EtcdOption): string {
  return option.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * What was given of these options, on the command line or as variables. Throws
 * INVALID_ARGUMENT or NOT_FOUND when the command line has some that make no sense.
 */
export function givenEtcdOptions(
  values: Readonly<Record<string, unknown>>,
  variables: NodeJS.ProcessEnv,
): GivenEtcdOptions {
  const texts: Partial<Record<EtcdOption, string>> = {};
  const sources: Partial<Record<EtcdOption, string>> = {};
  for (const option of ETCD_OPTIONS) {
    const variable = `ATOLL_${option.toUpperCase().replaceAll("-", "_")}`;
    const value = values[camelCase(option)];
    const text = typeof value === "string" ? value : variables[variable];
    if (text === undefined) continue;
    texts[option] = text;
    sources[option] = typeof value === "string" ? `--${option}` : variable;
  }
  const sourceOf: EtcdSourceOf = (option) => sources[option] ?? `--${option}`;
  const isOption = Object.values(sources).some((source) => source.startsWith("--"));
  if (isOption) parseEtcdAccess(texts, sourceOf);
  return { texts, sourceOf };
}
