import { describe, expect, test } from "vitest";
import { CONF_STATE, command, Driver, printable, reload } from "./support.js";

describe("membership", () => {
  test("a member of the group publishes its attributes, as often as it likes", () => {
    const driver = new Driver();
    const publish = (ID: bigint, name: string): string =>
      driver.apply(command.member({ ID, name, peerURLs: ["http://a", "http://b"] })).kind;
    expect(publish(33n, "three")).toBe("memberUpdate");
    expect(publish(11n, "one")).toBe("memberUpdate");
    expect(publish(11n, "uno")).toBe("memberUpdate");
    expect(driver.state.members()).toEqual([
      { id: 11, name: "uno", peerUrls: ["http://a", "http://b"], clientUrls: [] },
      { id: 33, name: "three", peerUrls: ["http://a", "http://b"], clientUrls: [] },
    ]);
    expect(driver.state.currentRevision).toBe(1);
  });

  test("a stranger, and an id that is none, are refused", () => {
    const driver = new Driver();
    const refusal = (ID: bigint): string => {
      const outcome = driver.apply(command.member({ ID, name: "x" }));
      return outcome.kind === "error" ? outcome.error.message : outcome.kind;
    };
    expect(refusal(99n)).toBe("etcdserver: member not found");
    expect(refusal(0n)).toBe("atoll: malformed command: the member's id is not a safe integer");
    expect(refusal(2n ** 60n)).toContain("not a safe integer");
    expect(driver.state.members()).toEqual([]);
  });

  test("who leaves the group is forgotten, in the records too", () => {
    const driver = new Driver();
    for (const ID of [11n, 22n, 33n]) driver.apply(command.member({ ID, name: `m${ID}` }));
    driver.state.takeChanges();
    const confState = { ...CONF_STATE, voters: [11, 33], votersOutgoing: [11, 22, 33] };
    driver.state.applyConfState(50, 2, confState);
    expect(driver.state.members()).toHaveLength(3);
    driver.state.applyConfState(51, 2, { ...CONF_STATE, voters: [11, 33] });
    expect(driver.state.members().map(({ id }) => id)).toEqual([11, 33]);
    expect(driver.state.applied).toMatchObject({ index: 51, term: 2 });
    const { records } = driver.state.takeChanges();
    expect(records.map(({ table, key, value }) => [table, key, value === null])).toEqual([
      [2, 22, true],
      [1, 0, false],
    ]);
    const copy = reload(driver.state.dump());
    expect(copy.applied.confState.voters).toEqual([11, 33]);
    expect(printable(copy.dump())).toEqual(printable(driver.state.dump()));
  });
});
