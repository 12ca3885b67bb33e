import type { Column } from "../terminal/table.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";
import { nameNotes } from "./gateway-names.js";

/** `atoll regions`: each region as one gateway sees it. */
export async function showRegions(environment: Environment): Promise<void> {
  const answer = await environment.withClient((client) => client.regions());
  const known = answer.regions.flatMap(({ freshness, ...rest }) =>
    freshness === undefined ? [] : [{ freshness, ...rest }],
  );
  if (environment.form === "json") {
    environment.json({
      gateway: answer.gateway,
      region: answer.region,
      regions: known.map(({ freshness, gateways, gatewayNames, summaries }) => ({
        ...freshnessJson(freshness),
        summaries,
        gateways: gateways.map(({ name, address, state, rttMs }) => ({
          name,
          address,
          state,
          rttMs: rttMs ?? null,
        })),
        gatewayNames: gatewayNames.map(({ name, addresses, answerAgeMs, error }) => ({
          name,
          addresses,
          answerAgeMs: answerAgeMs ?? null,
          error,
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
  for (const note of nameNotes(answer)) environment.line(note);
  environment.line(`as seen by ${answer.gateway} in ${answer.region}`);
}
