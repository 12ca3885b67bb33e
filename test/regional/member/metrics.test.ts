import { afterEach, expect, test } from "vitest";
import { MemberMetrics } from "../../../regional/member/metrics.js";
import { Registry } from "../../../shared/metrics.js";
import { TestCluster } from "./cluster.js";

let cluster: TestCluster | undefined;
afterEach(() => cluster?.stop());

test("metrics tell the members by role, who leads, and with whom each is connected", async () => {
  cluster = await TestCluster.start(3);
  const leader = await cluster.leader();
  const text = await new MemberMetrics(new Registry()).render(leader.stats());
  const value = (name: string): string | undefined =>
    text
      .split("\n")
      .find((line) => line.startsWith(`atoll_regional_${name} `))
      ?.split(" ")[1];
  expect(value('members{role="voter"}')).toBe("3");
  expect(value('members{role="learner"}')).toBe("0");
  expect(value("is_leader")).toBe("1");
  expect(value("has_leader")).toBe("1");
  expect(value("is_learner")).toBe("0");
  expect(Number(value("leader_changes_total"))).toBeGreaterThan(0);
  expect(text.match(/^atoll_regional_peer_connected\{.*\} [01]$/gm)).toHaveLength(2);
});
