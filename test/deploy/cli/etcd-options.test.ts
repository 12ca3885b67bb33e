import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { givenEtcdOptions } from "../../../deploy/cli/etcd-options.js";
import { regionAccess } from "../../../shared/etcd/region-access.js";
import { parseTopology } from "../../../shared/topology.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "atoll-access-"));
  for (const name of ["east", "west"]) writeFileSync(join(folder, name), `${name}'s\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A region of a topology in the folder that says this of the way to it. */
function place(etcd: object) {
  const members = [{ name: "m", client: "h:1", peer: "h:2", http: "h:3" }];
  const text = JSON.stringify({ regions: [{ name: "east", members, gateways: [], etcd }] });
  const file = join(folder, "topology.json");
  const [region] = parseTopology(text, file).regions;
  if (region === undefined) throw new Error("the topology has no region");
  return { region, file };
}

test("a topology tells the way to each region, by files beside it", () => {
  const none = givenEtcdOptions({}, {});
  const east = place({ user: "gateway", "password-file": "east" });
  expect(regionAccess(none, east)().user).toEqual({ name: "gateway", password: "east's" });
  expect(regionAccess(none, place({}))()).toEqual({ tls: undefined, user: undefined });
  expect(regionAccess(none, place({ user: "gateway" }))).toThrow(
    `${east.file}: region east: etcd.user: give --etcd-password-file with it`,
  );
  expect(() => place({ password: "secret" })).toThrow(/regions\.0\.etcd: .*password/);
});

test("options and variables go before it, all together", () => {
  const region = place({ user: "gateway", "password-file": "east" });
  const options = { etcdUser: "root", etcdPasswordFile: join(folder, "west") };
  const root = { name: "root", password: "west's" };
  expect(regionAccess(givenEtcdOptions(options, {}), region)().user).toEqual(root);
  const variables = { ATOLL_ETCD_USER: "root", ATOLL_ETCD_PASSWORD: "west's" };
  expect(regionAccess(givenEtcdOptions({}, variables), region)().user).toEqual(root);
  const mixed = givenEtcdOptions({ etcdUser: "me" }, variables);
  expect(regionAccess(mixed, region)().user).toEqual({ name: "me", password: "west's" });
});

test("options that make no sense are named at once, and variables when they are used", () => {
  expect(() => givenEtcdOptions({ etcdCert: "c.pem" }, {})).toThrow("--etcd-cert: means nothing");
  const given = givenEtcdOptions({}, { ATOLL_ETCD_CERT: "c.pem" });
  expect(regionAccess(given, undefined)).toThrow("ATOLL_ETCD_CERT: means nothing without");
});
