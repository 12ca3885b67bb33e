import { create } from "@bufbuild/protobuf";
import {
  type GetRequest,
  type GetResponse,
  GetResponseSchema,
  type Group as GroupMessage,
  RegionGroupsSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_CELL_BYTES_PER_MESSAGE, MAX_GROUPS_PER_GET } from "../../shared/limits.js";
import type { GroupKey } from "../digest/cell.js";
import type { Section } from "../digest/section.js";
import type { GroupFilter } from "../view/group-filter.js";
import { mergeCells } from "../view/merge.js";
import type { ContractDesk } from "./contract-desk.js";
import { readContract } from "./contract-request.js";
import { invalid } from "./error-detail.js";
import { messageBytes } from "./message-size.js";
import { definitionMessage, freshnessMessage, groupMessage } from "./messages.js";
import { checkSummary, groupFilter, regionsOf } from "./request-checks.js";

/** Reads one summary, merged over regions. Throws AtollError naming the field that is wrong. */
export function get(desk: ContractDesk, request: GetRequest): GetResponse {
  const { source } = desk;
  const { summary } = request;
  checkSummary(source, summary, "summary");
  const filter = groupFilter(request.groups);
  const regions = regionsOf(source, request.regions);
  const asked = readContract(request.contract, request.regions);
  if (request.limit > MAX_GROUPS_PER_GET) {
    invalid("limit", `is ${request.limit}; at most ${MAX_GROUPS_PER_GET} are allowed`);
  }
  const limit = request.limit === 0 ? MAX_GROUPS_PER_GET : request.limit;
  const { view } = source;
  const selection = view.select(summary, regions);
  const parts = [...selection.parts.values()];
  const sections = regions.flatMap((region) => view.state.section({ region, summary }) ?? []);
  const links = source.links();
  const nowMs = source.nowMs();
  const readings = desk
    .regions(asked, regions)
    .map((region) => view.partReading(region, summary, selection.parts.get(region), links, nowMs));
  const misses = desk.misses(asked, readings, regions);
  if (misses.size > 0 && !asked.annotate) throw desk.refusal("Get", misses);
  const keys = wantedKeys(
    request.byRegion ? [...parts, ...sections] : parts,
    filter,
    request.after,
  );
  const shown = request.byRegion ? [...parts, ...sections] : parts;
  const page = cutPage(keys.slice(0, limit), shown, request.sketches);
  const response = create(GetResponseSchema, {
    summary,
    groups: mergedGroups(page, parts, request.sketches),
    more: keys.length > page.length,
    regions: readings.map((reading) => freshnessMessage(reading, misses.get(reading.region))),
    otherDefinition: [...selection.others],
  });
  const schema = parts[0]?.schema;
  if (schema !== undefined) response.definition = definitionMessage(schema);
  if (request.byRegion) {
    response.byRegion = sections
      .filter((section) => !section.schema.retired)
      .map((section) =>
        create(RegionGroupsSchema, {
          region: section.id.region,
          definition: definitionMessage(section.schema),
          groups: ownGroups(page, section, request.sketches),
        }),
      );
  }
  return response;
}

function wantedKeys(sections: readonly Section[], filter: GroupFilter, after: string): GroupKey[] {
  const keys = new Set<GroupKey>();
  for (const { content } of sections) {
    if (filter.keys === undefined) {
      for (const { key } of content.leaves()) if (filter.matches(key) && key > after) keys.add(key);
    } else {
      for (const key of filter.keys) {
        if (filter.matches(key) && key > after && content.get(key) !== undefined) keys.add(key);
      }
    }
  }
  return [...keys].sort();
}

/** The first of some groups: one at least, else as many as an answer has room for. */
function cutPage(
  keys: readonly GroupKey[],
  sections: readonly Section[],
  sketches: boolean,
): readonly GroupKey[] {
  let bytes = 0;
  const end = keys.findIndex((key, index) => {
    for (const { content } of sections) {
      bytes += messageBytes(content.get(key)?.cells ?? [], sketches);
    }
    return bytes > MAX_CELL_BYTES_PER_MESSAGE && index > 0;
  });
  return end < 0 ? keys : keys.slice(0, end);
}

function mergedGroups(
  keys: readonly GroupKey[],
  parts: readonly Section[],
  sketches: boolean,
): GroupMessage[] {
  const schema = parts[0]?.schema;
  if (schema === undefined) return [];
  return keys.flatMap((key) => {
    const cells = parts.flatMap(({ content }) => {
      const leaf = content.get(key);
      return leaf === undefined ? [] : [leaf.cells];
    });
    if (cells.length === 0) return [];
    return [groupMessage(key, mergeCells(schema.measures, cells), schema, sketches)];
  });
}

function ownGroups(keys: readonly GroupKey[], section: Section, sketches: boolean): GroupMessage[] {
  return keys.flatMap((key) => {
    const leaf = section.content.get(key);
    return leaf === undefined ? [] : [groupMessage(key, leaf.cells, section.schema, sketches)];
  });
}
