import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type IdentifyOptions, identify } from "../../../regional/member/identify.js";
import { foundCluster } from "../../../regional/member/identity.js";
import { readMemberFile, writeMemberFile } from "../../../regional/member/member-file.js";

const peer = { host: "127.0.0.1", port: 1 };
const identity = foundCluster("eu", "a", [{ name: "a", peer }]);

describe("who a member is", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "atoll-identify-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  const told = (fields: Partial<IdentifyOptions> = {}): IdentifyOptions => ({
    region: "eu",
    name: "a",
    dataDir,
    initialCluster: { state: "new", members: [{ name: "a", peer }] },
    ...fields,
  });

  it("is what the settings say, as long as there is no data", async () => {
    expect(await identify(told())).toEqual(identity);
  });

  it("is what its data directory says from then on", async () => {
    writeMemberFile(dataDir, identity);
    expect(readMemberFile(dataDir)).toEqual(identity);
    const members = [{ name: "a", peer: { host: "elsewhere", port: 2 } }];
    for (const state of ["new", "existing"] as const) {
      expect(await identify(told({ initialCluster: { state, members } }))).toEqual(identity);
    }
  });

  it.each([
    [{ name: "b" }, 'is of name "a", but --name is "b"'],
    [{ region: "us" }, 'is of region "eu", but --region is "us"'],
  ])("is nobody else's: %j", async (fields, text) => {
    writeMemberFile(dataDir, identity);
    await expect(identify(told(fields))).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringContaining(text),
    });
  });

  it.each([
    ["{", "MEMBER can't be read as JSON"],
    ["{}", "MEMBER: format:"],
    [JSON.stringify({ format: 1, region: "eu", cluster: "XYZ" }), "MEMBER: cluster: is not an id"],
  ])("can't be read from %j", (text, reason) => {
    writeFileSync(join(dataDir, "MEMBER"), text);
    expect(() => readMemberFile(dataDir)).toThrow(reason);
  });
});
