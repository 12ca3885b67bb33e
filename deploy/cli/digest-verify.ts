import { toHex } from "../../global/digest/hash.js";
import { type SectionClaim, sectionKey } from "../../global/digest/section.js";
import { decodeClaims } from "../../global/digest/wire-version.js";
import { AtollError, errorText } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import type { Column } from "../terminal/table.js";
import type { Environment } from "./environment.js";
import { type GatewayHoldings, gatherHoldings } from "./holdings.js";
import { type Refolded, refold } from "./refold.js";

type Verdict = "same" | "differs" | "unknown";

interface Row {
  readonly region: string;
  readonly summary: string;
  readonly gateway: string;
  readonly revision: number;
  readonly root: string;
  readonly keyId: string;
  /** What the region's state gives; undefined when that can't be told. */
  expected: string | undefined;
  verdict: Verdict;
  detail: string;
}

interface Held {
  readonly row: Row;
  readonly claim: SectionClaim;
}

const ROOT_DIGITS = 16;

function rowsOf({ gateway, regions }: GatewayHoldings, summary: string): Held[] {
  return regions.flatMap(({ region, sections }) =>
    sections.flatMap(({ claim: message, keyId }) => {
      const [claim] = decodeClaims(message === undefined ? [] : [message], "claim");
      if (claim === undefined || (summary !== "" && claim.id.summary !== summary)) return [];
      const row: Row = {
        region,
        summary: claim.id.summary,
        gateway,
        revision: claim.version.revision,
        root: toHex(claim.root),
        keyId,
        expected: undefined,
        verdict: "unknown",
        detail: "",
      };
      return [{ row, claim }];
    }),
  );
}

/** Equal versions have equal content, so each is folded once, however many gateways hold it. */
function versionKey({ id, version }: SectionClaim): string {
  const { incarnation, definition, foldSemantics, revision } = version;
  return [sectionKey(id), incarnation.nonce, definition, foldSemantics, revision].join("\n");
}

async function judge(client: EtcdClient, held: readonly Held[]): Promise<void> {
  const known = new Map<string, Promise<Refolded>>();
  for (const { row, claim } of held) {
    const key = versionKey(claim);
    const folded = known.get(key) ?? refold(client, claim);
    known.set(key, folded);
    try {
      row.expected = (await folded).root;
      row.verdict = row.expected === row.root ? "same" : "differs";
      if (row.verdict === "differs") {
        row.detail = `the region's state gives ${row.expected.slice(0, ROOT_DIGITS)}`;
      }
    } catch (error) {
      row.detail = errorText(error);
    }
  }
}

/**
 * `atoll digest verify`: folds sections from scratch, from the regions' own state at the
 * sections' revisions, and compares with what each gateway holds and passes on. Throws
 * DATA_LOSS naming the gateways that differ, UNAVAILABLE when something can't be told.
 */
export async function verifyDigests(
  environment: Environment,
  summary: string,
  regionNames: readonly string[],
): Promise<void> {
  const regions = environment.regions(regionNames);
  const names = regions.map((region) => region.name);
  const holdings = await gatherHoldings(environment, names);
  const held = holdings.flatMap((one) => rowsOf(one, summary));
  const inTopology = held.filter(({ row }) => names.includes(row.region));
  if (inTopology.length === 0 && holdings.some(({ error }) => error === undefined)) {
    throw new AtollError("NOT_FOUND", `no gateway holds anything of ${summary || "any summary"}`);
  }
  await Promise.all(
    regions.map(async (region) => {
      const client = environment.etcdClient(region);
      try {
        await judge(
          client,
          inTopology.filter(({ row }) => row.region === region.name),
        );
      } finally {
        client.close();
      }
    }),
  );
  const rows = inTopology.map(({ row }) => row);
  report(environment, rows, holdings);
  throwVerdict(rows, holdings);
}

function report(
  environment: Environment,
  rows: readonly Row[],
  holdings: readonly GatewayHoldings[],
): void {
  const silent = holdings.filter(({ error }) => error !== undefined);
  if (environment.form === "json") {
    environment.json({
      sections: rows.map((row) => ({ ...row, expected: row.expected ?? null })),
      silent: silent.map(({ gateway, error }) => ({ gateway, error })),
    });
    return;
  }
  const columns: Column[] = [
    { head: "REGION" },
    { head: "SUMMARY" },
    { head: "GATEWAY" },
    { head: "REVISION", align: "right" },
    { head: "ROOT" },
    { head: "SIGNED BY" },
    { head: "RESULT" },
  ];
  const cells = rows.map((row) => [
    row.region,
    row.summary,
    row.gateway,
    String(row.revision),
    row.root.slice(0, ROOT_DIGITS),
    row.keyId || "nobody",
    row.detail === "" ? row.verdict : `${row.verdict}: ${row.detail}`,
  ]);
  environment.table(columns, cells);
  for (const { gateway, error } of silent) environment.line(`${gateway} doesn't answer: ${error}`);
}

function throwVerdict(rows: readonly Row[], holdings: readonly GatewayHoldings[]): void {
  const wrong = rows.filter(({ verdict }) => verdict === "differs");
  if (wrong.length > 0) {
    const each = wrong.map(
      ({ gateway, summary, region }) => `${gateway} (${summary} of ${region})`,
    );
    throw new AtollError("DATA_LOSS", `not what the region's state gives: ${each.join(", ")}`);
  }
  const untold = rows.filter(({ verdict }) => verdict === "unknown").length;
  const silent = holdings.filter(({ error }) => error !== undefined).length;
  if (untold + silent === 0) return;
  throw new AtollError(
    "UNAVAILABLE",
    `${untold} sections could not be verified, ${silent} gateways did not answer; the others are as they should be`,
  );
}
