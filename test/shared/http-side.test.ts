import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HTTP_JSON, type HttpAnswer, HttpSide } from "../../shared/http-side.js";

async function answer(url: URL): Promise<HttpAnswer> {
  if (url.pathname === "/fails") throw new Error("the disk is gone");
  if (url.pathname === "/here") return { status: 200, type: HTTP_JSON, body: url.search };
  return { status: 404, type: HTTP_JSON, body: "try /here" };
}

let side: HttpSide;
let port: number;

beforeEach(async () => {
  side = new HttpSide(answer);
  port = await side.listen("127.0.0.1:0");
});
afterEach(async () => {
  await side.close();
});

async function ask(path: string, method = "GET"): Promise<[number, string, string | null]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return [response.status, await response.text(), response.headers.get("content-type")];
}

/** What comes back for bytes that no HTTP client would send. */
async function raw(text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString();
  });
  socket.on("error", () => {});
  socket.write(text);
  await once(socket, "close");
  return heard;
}

test("a GET gets the answer, and a HEAD its head", async () => {
  expect(await ask("/here?a=1")).toEqual([200, "?a=1", HTTP_JSON]);
  expect(await ask("/here?a=1", "HEAD")).toEqual([200, "", HTTP_JSON]);
  expect((await ask("/other"))[0]).toBe(404);
});

test("another method is refused, with those that are served", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/here`, { method: "POST", body: "x" });
  expect([response.status, await response.text()]).toEqual([405, "only GET and HEAD are served\n"]);
  expect(response.headers.get("allow")).toBe("GET, HEAD");
});

test("what an answer throws is said, and the next one is served", async () => {
  expect((await ask("/fails")).slice(0, 2)).toEqual([500, "the disk is gone\n"]);
  expect((await ask("/here"))[0]).toBe(200);
});

test("a path that is none and bytes that are no request end no process", async () => {
  const head = "HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
  expect(await raw(`GET http://[ ${head}`)).toContain("400 Bad Request");
  expect(await raw("\u0000\u0001 nonsense\r\n\r\n")).toContain("400 Bad Request");
  expect((await ask("/here"))[0]).toBe(200);
});

test("a taken port is an error that names the address", async () => {
  await expect(new HttpSide(answer).listen(`127.0.0.1:${port}`)).rejects.toThrow(
    `can't listen for HTTP on 127.0.0.1:${port}`,
  );
});
