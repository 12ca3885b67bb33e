import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memberHttp } from "../../../regional/member/http.js";
import type { HttpSide } from "../../../shared/http-side.js";

describe("a member over HTTP", () => {
  const stop = new AbortController();
  const source = {
    hasLeader: true,
    stopping: stop.signal,
    failure: undefined as Error | undefined,
    linearizable: () =>
      source.failure === undefined ? Promise.resolve() : Promise.reject(source.failure),
    metrics: () => Promise.resolve("atoll_regional_is_leader 1\n"),
  };
  let http: HttpSide;
  let base: string;
  beforeEach(async () => {
    source.hasLeader = true;
    source.failure = undefined;
    http = memberHttp(source);
    base = `http://127.0.0.1:${await http.listen("127.0.0.1:0")}`;
  });
  afterEach(async () => {
    await http.close();
  });

  async function get(path: string, method = "GET"): Promise<[number, string]> {
    const response = await fetch(base + path, { method });
    return [response.status, await response.text()];
  }

  it("answers as etcd does while all is well", async () => {
    expect(await get("/health")).toEqual([200, '{"health":"true","reason":""}']);
    expect(await get("/livez")).toEqual([200, "ok\n"]);
    expect(await get("/readyz")).toEqual([200, "ok\n"]);
    expect(await get("/metrics")).toEqual([200, "atoll_regional_is_leader 1\n"]);
  });

  it("is alive but neither healthy nor ready without a leader or a working read", async () => {
    source.hasLeader = false;
    expect(await get("/livez")).toEqual([200, "ok\n"]);
    expect(await get("/readyz")).toEqual([503, "RAFT NO LEADER\n"]);
    expect(await get("/health")).toEqual([503, '{"health":"false","reason":"RAFT NO LEADER"}']);
    expect(await get("/health?serializable=true")).toEqual([200, '{"health":"true","reason":""}']);
    source.hasLeader = true;
    source.failure = new Error("etcdserver: request timed out");
    expect(await get("/readyz")).toEqual([503, "QGET ERROR:etcdserver: request timed out\n"]);
  });

  it("says what it has when asked for something else", async () => {
    expect(await get("/nothing")).toEqual([404, "try /health, /livez, /readyz or /metrics\n"]);
    expect(await get("/health", "POST")).toEqual([405, "only GET and HEAD are served\n"]);
  });

  it("names the address when the port is taken", async () => {
    const port = Number(base.split(":")[2]);
    await expect(memberHttp(source).listen(`127.0.0.1:${port}`)).rejects.toThrow(
      `can't listen for HTTP on 127.0.0.1:${port}`,
    );
  });
});
