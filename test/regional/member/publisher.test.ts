import { beforeEach, describe, expect, it } from "vitest";
import { Publisher } from "../../../regional/member/publisher.js";
import { CommandKind } from "../../../regional/store/command.js";
import { decodeMember } from "../../../regional/store/member-message.js";
import type { MemberAttributes } from "../../../regional/store/state.js";
import { createLogger } from "../../../shared/log.js";

const own = { id: 7, name: "a", peerUrls: [], clientUrls: ["http://a:1"] };

describe("what a member publishes of itself", () => {
  let known: MemberAttributes | undefined;
  let isPossible: boolean;
  let fails: boolean;
  let published: unknown[];
  let logged: string[];
  let publisher: Publisher;
  beforeEach(() => {
    known = { id: 7, name: "", peerUrls: ["http://p:1"], clientUrls: [] };
    isPossible = true;
    fails = false;
    published = [];
    logged = [];
    publisher = new Publisher({
      own,
      known: () => known,
      propose: async (kind, body) => {
        expect(kind).toBe(CommandKind.memberPublish);
        published.push(decodeMember(body));
        if (fails) throw new Error("no leader");
        return { kind: "member", revision: 1 };
      },
      isPossible: () => isPossible,
      log: createLogger("warn", {}, { write: (line: string) => void logged.push(line) }),
    });
  });

  async function check(): Promise<number> {
    publisher.check();
    await new Promise((resolve) => setImmediate(resolve));
    return published.length;
  }

  it("is its name and where clients reach it, once the group knows something else", async () => {
    expect(await check()).toBe(1);
    expect(published[0]).toEqual({ attributes: own, isLearner: false });
    known = { ...own, peerUrls: ["http://elsewhere:1"] };
    expect(await check()).toBe(1);
    known = { ...own, clientUrls: ["http://b:1"] };
    expect(await check()).toBe(2);
  });

  it("waits until it is a member, and until there is somebody to tell", async () => {
    isPossible = false;
    expect(await check()).toBe(0);
    isPossible = true;
    known = undefined;
    expect(await check()).toBe(0);
  });

  it("is tried again when it failed, which is logged", async () => {
    fails = true;
    expect(await check()).toBe(1);
    expect(logged.join("")).toContain("no leader");
    fails = false;
    expect(await check()).toBe(2);
  });
});
