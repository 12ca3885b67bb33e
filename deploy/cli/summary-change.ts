import { readFileSync } from "node:fs";
import type { SummaryDefinition } from "../../global/summary/definition/definition.js";
import { formatIssue } from "../../global/summary/definition/issue.js";
import { parseDefinition } from "../../global/summary/definition/parse.js";
import { tryOnSamples } from "../../global/summary/definition/try-on-samples.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import { SUMMARIES_PREFIX } from "../../shared/etcd/keys.js";
import { deleteRange, prefixQuery, put, range } from "../../shared/etcd/kv.js";
import { inEachRegion, type RegionResult, throwFailures } from "./each-region.js";
import type { Environment } from "./environment.js";

/** Existing records of a region that a new definition is tried on. */
const SAMPLE_RECORDS = 20;

function readDefinitionFile(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new AtollError("NOT_FOUND", `--file: can't read ${file}: ${errorText(error)}`, {
      cause: error,
    });
  }
}

/** What is wrong with the definition, tried on some of the records that a region has. */
async function problemsOnSamples(
  client: EtcdClient,
  definition: SummaryDefinition,
): Promise<string[]> {
  const query = prefixQuery(definition.prefix);
  const { kvs } = await range(client, { ...query, limit: SAMPLE_RECORDS });
  const samples = kvs.map((kv) => ({ key: fromUtf8(kv.key), value: fromUtf8(kv.value) }));
  return tryOnSamples(definition, samples).map(formatIssue);
}

/**
 * `atoll summary apply`: checks a definition, tries it on records that the regions have,
 * and stores it in each of them. Stores it nowhere when a check fails.
 */
export async function applySummary(
  environment: Environment,
  file: string,
  regionNames: readonly string[],
): Promise<void> {
  const regions = environment.regions(regionNames);
  const text = readDefinitionFile(file);
  const source = file === "-" ? "standard input" : file;
  const definition = parseDefinition(text, source);
  const tried = await inEachRegion(environment, regions, (client) =>
    problemsOnSamples(client, definition),
  );
  const problems = new Set(tried.flatMap(({ result }) => result ?? []));
  if (problems.size > 0) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      [...problems].map((problem) => `${source}: ${problem}`).join("\n"),
    );
  }
  const results = await inEachRegion(
    environment,
    regions,
    async (client) => (await put(client, `${SUMMARIES_PREFIX}${definition.name}`, text)).revision,
  );
  report(environment, definition.name, "applied", results);
  throwFailures(`storing ${definition.name}`, results);
}

/** `atoll summary delete`. Throws NOT_FOUND when no region had it. */
export async function deleteSummary(
  environment: Environment,
  name: string,
  regionNames: readonly string[],
): Promise<void> {
  const results = await inEachRegion(
    environment,
    environment.regions(regionNames),
    async (client) => {
      const { deleted, header } = await deleteRange(client, `${SUMMARIES_PREFIX}${name}`);
      return deleted === 0 ? undefined : header.revision;
    },
  );
  report(environment, name, "deleted", results);
  throwFailures(`deleting ${name}`, results);
  if (results.every((result) => result.result === undefined)) {
    throw new AtollError("NOT_FOUND", `no region has a summary "${name}"`);
  }
}

function report(
  environment: Environment,
  name: string,
  verb: string,
  results: readonly RegionResult<number | undefined>[],
): void {
  if (environment.form === "json") {
    environment.json({
      summary: name,
      regions: results.map(({ region, result, error }) => ({
        region,
        revision: result ?? null,
        error: error ?? null,
      })),
    });
    return;
  }
  environment.table(
    [{ head: "REGION" }, { head: "SUMMARY" }, { head: "RESULT" }],
    results.map(({ region, result, error }) => [
      region,
      name,
      error ?? (result === undefined ? "not there" : `${verb} at revision ${result}`),
    ]),
  );
}
