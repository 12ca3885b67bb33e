import { fromUtf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { SUMMARIES_PREFIX } from "../../shared/etcd/keys.js";
import { get, prefixQuery, range } from "../../shared/etcd/kv.js";
import { GlobalService, type SummaryState } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { callAny } from "./any-endpoint.js";
import { inEachRegion, throwFailures } from "./each-region.js";
import type { Environment } from "./environment.js";

/** How gateways see the summaries; an empty list with the reason when none answers. */
async function statesFromGateways(
  environment: Environment,
  summary: string,
): Promise<{ states: SummaryState[]; error: string }> {
  try {
    const answer = await callAny(
      environment.gateways(),
      "gateway",
      GlobalService.method.summaries,
      { summary },
    );
    return { states: answer.summaries, error: "" };
  } catch (error) {
    if (error instanceof AtollError && error.code === "NOT_FOUND") return { states: [], error: "" };
    return { states: [], error: errorText(error) };
  }
}

function conditionOf(state: SummaryState | undefined): string {
  if (state === undefined) return "not published yet";
  if (state.error !== "") return state.error.split("\n")[0] ?? "";
  return state.refolding ? "folding" : "published";
}

/** `atoll summary list`: the definitions stored in each region, and how they fare. */
export async function listSummaries(
  environment: Environment,
  regionNames: readonly string[],
): Promise<void> {
  const results = await inEachRegion(
    environment,
    environment.regions(regionNames),
    async (client) => {
      const { kvs } = await range(client, prefixQuery(SUMMARIES_PREFIX));
      return kvs.map((kv) => ({
        name: fromUtf8(kv.key).slice(SUMMARIES_PREFIX.length),
        modRevision: kv.modRevision,
      }));
    },
  );
  const { states } = await statesFromGateways(environment, "");
  const rows = results.flatMap(({ region, result }) =>
    (result ?? []).map((stored) => ({
      ...stored,
      region,
      state: states.find((state) => state.region === region && state.summary === stored.name),
    })),
  );
  if (environment.form === "json") {
    environment.json({
      summaries: rows.map(({ name, region, modRevision, state }) => ({
        name,
        region,
        modRevision,
        ...stateJson(state),
      })),
      errors: results.flatMap(({ region, error }) =>
        error === undefined ? [] : [{ region, error }],
      ),
    });
  } else {
    const number = (head: string) => ({ head, align: "right" as const });
    environment.table(
      [
        { head: "SUMMARY" },
        { head: "REGION" },
        number("DEFINED AT"),
        number("GROUPS"),
        number("KEYS"),
        number("SKIPPED"),
        { head: "CONDITION" },
      ],
      rows.map(({ name, region, modRevision, state }) => [
        name,
        region,
        String(modRevision),
        String(state?.groups ?? "-"),
        String(state?.matched ?? "-"),
        String(state?.skipped ?? "-"),
        conditionOf(state),
      ]),
    );
  }
  throwFailures("listing", results);
}

function stateJson(state: SummaryState | undefined): Record<string, unknown> {
  return {
    condition: conditionOf(state),
    error: state?.error ?? "",
    groups: state?.groups ?? null,
    matched: state?.matched ?? null,
    skipped: state?.skipped ?? null,
    samples: (state?.samples ?? []).map(({ key, reason }) => ({ key, reason })),
    root: state?.root ?? "",
  };
}

/** `atoll summary show`: the definition as stored in each region, and how it fares there. */
export async function showSummary(
  environment: Environment,
  name: string,
  regionNames: readonly string[],
): Promise<void> {
  const results = await inEachRegion(
    environment,
    environment.regions(regionNames),
    async (client) => {
      const { kv } = await get(client, `${SUMMARIES_PREFIX}${name}`);
      return kv === undefined
        ? undefined
        : { text: fromUtf8(kv.value), modRevision: kv.modRevision };
    },
  );
  const { states } = await statesFromGateways(environment, name);
  const found = results.flatMap(({ region, result }) =>
    result === undefined
      ? []
      : [{ region, ...result, state: states.find((state) => state.region === region) }],
  );
  if (environment.form === "json") {
    environment.json({
      summary: name,
      regions: found.map(({ region, text, modRevision, state }) => ({
        region,
        modRevision,
        text,
        ...stateJson(state),
      })),
    });
  } else {
    for (const { text, regions } of sameTexts(found)) {
      environment.line(
        `# ${regions.map(({ region, modRevision }) => `${region} (defined at ${modRevision})`).join(", ")}`,
      );
      environment.line(text.trimEnd());
      for (const { region, state } of regions) {
        environment.line(`# ${region}: ${conditionOf(state)}`);
        for (const { key, reason } of state?.samples ?? [])
          environment.line(`#   skipped ${key}: ${reason}`);
      }
    }
  }
  throwFailures(`reading ${name}`, results);
  if (found.length === 0)
    throw new AtollError("NOT_FOUND", `no region has a summary "${name}"; see atoll summary list`);
}

/** Regions whose stored text is the same are shown together. */
function sameTexts<T extends { readonly text: string }>(
  found: readonly T[],
): { text: string; regions: T[] }[] {
  const texts = [...new Set(found.map(({ text }) => text))];
  return texts.map((text) => ({ text, regions: found.filter((one) => one.text === text) }));
}
