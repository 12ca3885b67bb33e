import type { Topology } from "../../shared/topology.js";
import { formatTable } from "../terminal/table.js";

/** The endpoints of all processes as one aligned table. */
export function formatEndpoints(topology: Topology): string {
  const rows = topology.regions.flatMap((region) => [
    ...region.members.map((member) => [
      region.name,
      "member",
      member.name,
      member.client,
      member.peer,
      `http://${member.http}`,
    ]),
    ...region.gateways.map((gateway) => [
      region.name,
      "gateway",
      gateway.name,
      gateway.grpc,
      "-",
      `http://${gateway.http}`,
    ]),
  ]);
  const columns = ["REGION", "ROLE", "NAME", "GRPC", "PEER", "HTTP"].map((head) => ({ head }));
  return formatTable(columns, rows);
}
