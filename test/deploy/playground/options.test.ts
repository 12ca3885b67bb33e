import { describe, expect, test } from "vitest";
import { parseOptions } from "../../../deploy/playground/options.js";

describe("playground options", () => {
  test("have defaults", () => {
    expect(parseOptions([])).toMatchObject({
      dataDir: ".atoll",
      basePort: 20_000,
      regions: ["us-east", "eu-west", "ap-south"],
      members: 3,
      gateways: 1,
      fleet: false,
      redis: undefined,
      output: "table",
    });
  });

  test("know which were given", () => {
    expect([...(parseOptions(["--members", "5"])?.given ?? [])]).toEqual(["members"]);
  });

  test("--help asks for the text", () => {
    expect(parseOptions(["--help"])).toBeUndefined();
  });

  test.each([
    [["--members", "2"], /--members: "2" is not 1, 3 or 5/],
    [["--gateways", "4"], /--gateways: "4" is not 1, 2 or 3/],
    [["--redis", "localhost"], /--redis: "localhost" is not host:port/],
    [["--gateways", "0"], /--gateways: "0"/],
    [["--base-port", "80"], /--base-port: "80" is not 0 or a port/],
    [["--base-port", "65500"], /--base-port: "65500"/],
    [["--base-port", "-1"], /base-port/],
    [["--regions", "a,b,a"], /--regions: "a" stands there twice/],
    [["--regions", "a,B c"], /--regions: "B c" is not a name/],
    [["--regions", ""], /--regions: "" is not a name/],
    [["--data-dir", ""], /--data-dir: the folder's name is empty/],
    [["--output", "xml"], /--output: "xml" is not table or json/],
    [["--colour"], /--colour/],
    [["/tmp/x"], /"\/tmp\/x" is not an option; npm keeps options for itself unless -- comes first/],
  ])("%j is refused with the reason", (words, reason) => {
    expect(() => parseOptions(words)).toThrow(reason);
  });
});
