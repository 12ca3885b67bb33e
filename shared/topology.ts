import { readFileSync } from "node:fs";
import { z } from "zod";
import { AtollError, errorText } from "./errors.js";

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
  message: "is not a name: 1 to 63 of a-z, 0-9 and -, first and last no -",
});
const hostPort = z
  .string()
  .regex(/^(\[[^\]]+\]|[^:\s]+):\d{1,5}$/, { message: "is not host:port" });

const memberSchema = z.strictObject({ name, client: hostPort, peer: hostPort, http: hostPort });
const gatewaySchema = z.strictObject({ name, grpc: hostPort, http: hostPort });
/** As the options `--etcd-…`; a password is never in the file. */
const etcdSchema = z
  .strictObject({
    cacert: z.string(),
    cert: z.string(),
    key: z.string(),
    "server-name": z.string(),
    user: z.string(),
    "password-file": z.string(),
  })
  .partial();
const regionSchema = z.strictObject({
  name,
  members: z.array(memberSchema).min(1),
  gateways: z.array(gatewaySchema),
  etcd: etcdSchema.optional(),
});
const topologySchema = z.strictObject({ regions: z.array(regionSchema).min(1) });

/** Where every process of a deployment listens; the content of `topology.json`. */
export type Topology = z.infer<typeof topologySchema>;
export type TopologyRegion = z.infer<typeof regionSchema>;
export type TopologyMember = z.infer<typeof memberSchema>;
export type TopologyGateway = z.infer<typeof gatewaySchema>;

/** Whether a text can name a region, member or gateway. */
export function isName(text: string): boolean {
  return name.safeParse(text).success;
}

/**
 * Reads a topology from JSON text. `source` names its file in errors.
 * Throws INVALID_ARGUMENT naming the field that is wrong.
 */
export function parseTopology(text: string, source: string): Topology {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AtollError("INVALID_ARGUMENT", `${source} is not JSON: ${errorText(error)}`);
  }
  const parsed = topologySchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.map(String).join(".") ?? "";
    throw new AtollError("INVALID_ARGUMENT", `${source}: ${path || "the file"}: ${issue?.message}`);
  }
  const seen = new Set<string>();
  for (const region of parsed.data.regions) {
    if (seen.has(region.name)) {
      throw new AtollError("INVALID_ARGUMENT", `${source}: two regions are named "${region.name}"`);
    }
    seen.add(region.name);
  }
  return parsed.data;
}

/** Reads a topology file. Throws NOT_FOUND or INVALID_ARGUMENT naming the file. */
export function readTopology(file: string): Topology {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new AtollError("NOT_FOUND", `can't read the topology file ${file}: ${errorText(error)}`, {
      cause: error,
    });
  }
  return parseTopology(text, file);
}
