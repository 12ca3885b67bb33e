import { isIP } from "node:net";
import { parseHostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";
import { isName } from "../../shared/topology.js";

/** A name of DNS by which gateways of a region are found. */
export interface PeerName {
  readonly region: string;
  readonly name: string;
  /** The port of all its A and AAAA records; undefined where SRV records tell it. */
  readonly port: number | undefined;
  /** As it was given, such as `dns:gateways.eu-west.example:2390`. */
  readonly text: string;
}

/** Whom a gateway is told of: addresses that stay, and names whose addresses come and go. */
export interface PeerList {
  /** `host:port` by region; regions that have only names are in it, without addresses. */
  readonly directory: Map<string, string[]>;
  readonly names: readonly PeerName[];
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
/** Characters of a name of DNS, RFC 1035 §2.3.4, without the root's dot. */
const MAX_DNS_NAME = 253;
const DNS = "dns:";
const SRV = "srv:";

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

/**
 * Parses `REGION=HOST:PORT,…`, where `dns:NAME:PORT` in place of an address stands for all A
 * and AAAA records of a name, and `srv:NAME` for all its SRV records (RFC 2782). `source`
 * names the setting. Throws INVALID_ARGUMENT naming the part that is wrong.
 */
export function parsePeers(text: string, source: string): PeerList {
  const directory = new Map<string, string[]>();
  const names: PeerName[] = [];
  const given = new Map<string, string>();
  for (const part of text.split(",")) {
    const [region = "", peer = "", ...rest] = part.split("=");
    if (!isName(region) || rest.length > 0) {
      throw invalid(
        `${source}: "${part}" is not REGION=HOST:PORT, REGION=dns:NAME:PORT or REGION=srv:NAME`,
      );
    }
    const other = given.get(peer);
    if (other === region) throw invalid(`${source}: "${part}" is given twice`);
    if (other !== undefined) throw invalid(`${source}: "${part}" is given for ${other} as well`);
    given.set(peer, region);
    const addresses = directory.get(region) ?? [];
    directory.set(region, addresses);
    const name = parseName(region, peer, source);
    if (name !== undefined) {
      names.push(name);
    } else {
      parseHostPort(peer, source);
      addresses.push(peer);
    }
  }
  return { directory, names };
}

/** Undefined for what is an address, or ought to be. */
function parseName(region: string, text: string, source: string): PeerName | undefined {
  if (text.startsWith(SRV)) {
    const name = dnsName(text.slice(SRV.length), text, source);
    return { region, name, port: undefined, text };
  }
  if (!text.startsWith(DNS)) return undefined;
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < DNS.length || !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw invalid(
      `${source}: "${text}" is not dns:NAME:PORT, such as dns:gateways.eu-west.example:2390`,
    );
  }
  return { region, name: dnsName(text.slice(DNS.length, colon), text, source), port, text };
}

function dnsName(text: string, part: string, source: string): string {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  if (isIP(name.replace(/^\[|\]$/g, "")) !== 0) {
    throw invalid(`${source}: "${part}": ${name} is an address; give it as HOST:PORT`);
  }
  if (name.length <= MAX_DNS_NAME && name.split(".").every((label) => LABEL.test(label))) {
    return name;
  }
  throw invalid(
    `${source}: "${part}": "${text}" is not a name of DNS: labels of 1 to 63 of a-z, 0-9, - and _, with dots between`,
  );
}

/** DNS servers to ask, as `node:dns` takes them. Throws INVALID_ARGUMENT naming the wrong one. */
export function parseDnsServers(text: string, source: string): string[] {
  return text.split(",").map((server) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(server);
    const host = match?.[1] ?? match?.[2] ?? server;
    const port = Number(match?.[3] ?? 53);
    if (isIP(host) !== 0 && port >= 1 && port <= 65_535) return server;
    throw invalid(`${source}: "${server}" is not IP or IP:PORT of a DNS server`);
  });
}
