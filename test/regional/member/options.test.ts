import { describe, expect, it } from "vitest";
import { HELP, parseRegionalOptions } from "../../../regional/member/options.js";

describe("parseRegionalOptions", () => {
  it("has a default for everything: one member alone", () => {
    expect(parseRegionalOptions([], {})).toMatchObject({
      region: "local",
      dataDir: "member-0.atoll",
      client: { host: "127.0.0.1", port: 2379 },
      peer: { host: "127.0.0.1", port: 2380 },
      http: { host: "127.0.0.1", port: 2381 },
      name: "member-0",
      advertisePeer: { host: "127.0.0.1", port: 2380 },
      initialCluster: {
        state: "new",
        members: [{ name: "member-0", peer: { host: "127.0.0.1", port: 2380 } }],
      },
      logLevel: "info",
      tuning: { snapshotBytesPerSecond: 64 * 1024 * 1024, reads: "safe", priority: 0 },
    });
  });

  it("takes the command line before the environment before the default", () => {
    const environment = { ATOLL_DATA_DIR: "/from/environment", ATOLL_REGION: "from-environment" };
    const options = parseRegionalOptions(["--data-dir", "/from/option"], environment);
    expect(options).toMatchObject({ dataDir: "/from/option", region: "from-environment" });
  });

  it("takes what one member is tuned by", () => {
    const words = ["--reads", "lease", "--priority", "7", "--snapshot-rate", "1000000"];
    expect(parseRegionalOptions(words, {})?.tuning).toEqual({
      reads: "leaseBased",
      priority: 7,
      snapshotBytesPerSecond: 1_000_000,
    });
  });

  it("knows where other members reach it when it listens on all addresses", () => {
    const parse = (...words: string[]): unknown =>
      parseRegionalOptions(
        ["--name", "a", "--initial-cluster", "a=a.test:7,b=b.test:7", ...words],
        {},
      )?.advertisePeer;
    expect(parse("--peer", "10.0.0.1:2380")).toEqual({ host: "10.0.0.1", port: 2380 });
    expect(parse("--peer", "0.0.0.0:2380")).toEqual({ host: "a.test", port: 7 });
    expect(parse("--peer", "[::]:2380")).toEqual({ host: "a.test", port: 7 });
    expect(parse("--advertise-peer", "c.test:8")).toEqual({ host: "c.test", port: 8 });
  });

  it("gives nothing but help when asked, with an example", () => {
    expect(parseRegionalOptions(["--help"], {})).toBeUndefined();
    expect(HELP).toContain("Example: regional --name a");
  });

  it.each([
    [["--nmae", "a"], {}, "Unknown option '--nmae'"],
    [["stray"], {}, "Unexpected argument 'stray'"],
    [["--name"], {}, "--name"],
    [["--name", "No Name"], {}, '--name: "No Name" is not a name'],
    [[], { ATOLL_REGION: "EU" }, 'ATOLL_REGION: "EU" is not a name'],
    [["--client", "2379"], {}, '--client: "2379" is not host:port'],
    [["--http", "localhost:99999"], {}, '--http: "localhost:99999" is not host:port'],
    [["--data-dir", ""], {}, "--data-dir"],
    [["--snapshot-rate", "fast"], {}, '--snapshot-rate: "fast" is not a number'],
    [["--snapshot-rate", "1000"], {}, '--snapshot-rate: "1000" is less than 102400 bytes a second'],
    [[], { ATOLL_SNAPSHOT_RATE: "200000.5" }, "is not a whole number of bytes"],
    [["--reads", "fast"], {}, '--reads: "fast" is neither safe nor lease'],
    [["--priority", "256"], {}, '--priority: "256" is more than 255'],
    [["--priority", "-1"], {}, "--priority"],
    [[], { ATOLL_PRIORITY: "high" }, 'ATOLL_PRIORITY: "high" is not a number'],
    [["--log-level", "loud"], {}, '--log-level: "loud" is not one of trace'],
    [["--advertise-peer", "here"], {}, '--advertise-peer: "here" is not host:port'],
    [
      ["--initial-cluster-state", "old"],
      {},
      '--initial-cluster-state: "old" is not new or existing',
    ],
    [["--initial-cluster-state", "existing"], {}, "names no other member to ask"],
    [["--initial-cluster", "a=1.2.3.4:1"], {}, 'doesn\'t name this member, "member-0"'],
  ])("refuses %j %j", (words, environment, message) => {
    expect(() => parseRegionalOptions(words, environment)).toThrow(message);
  });
});
