import type { Column } from "../terminal/table.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";

/** `atoll regions`: each region as one gateway sees it. */
export async function showRegions(environment: Environment): Promise<void> {
  const answer = await environment.withClient((client) => client.regions());
  const known = answer.regions.flatMap(({ freshness, gateways, summaries }) =>
    freshness === undefined ? [] : [{ freshness, gateways, summaries }],
  );
  if (environment.form === "json") {
    environment.json({
      gateway: answer.gateway,
      region: answer.region,
      regions: known.map(({ freshness, gateways, summaries }) => ({
        ...freshnessJson(freshness),
        summaries,
        gateways: gateways.map(({ name, address, state, rttMs }) => ({
          name,
          address,
          state,
          rttMs: rttMs ?? null,
        })),
      })),
    });
    return;
  }
  const columns: Column[] = [...FRESHNESS_COLUMNS, { head: "GATEWAYS" }];
  environment.table(
    columns,
    known.map(({ freshness, gateways }) => [
      ...freshnessRow(freshness),
      gateways.map(({ name, state }) => `${name} (${state})`).join(", "),
    ]),
  );
  environment.line(`as seen by ${answer.gateway} in ${answer.region}`);
}
