import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { parseHostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";
import { fromServiceError, toServiceError } from "../../shared/rpc/status.js";

test("an unknown error becomes INTERNAL without its text", () => {
  const error = AtollError.from(new Error("secret path"));
  expect(error.code).toBe("INTERNAL");
  expect(toServiceError(error).details).not.toContain("secret");
  expect((error.cause as Error).message).toBe("secret path");
});

test("an error survives the way over gRPC", () => {
  const sent = toServiceError(
    new AtollError("NOT_FOUND", "no such summary", { details: { summary: "m ä" } }),
  );
  expect(sent.code).toBe(status.NOT_FOUND);
  expect(sent.metadata.get("atoll-summary")).toEqual(["m%20%C3%A4"]);
  const received = fromServiceError(sent, "h:1");
  expect(received).toMatchObject({
    code: "NOT_FOUND",
    message: "no such summary",
    details: { target: "h:1" },
  });
});

test.each([
  ["127.0.0.1:80", { host: "127.0.0.1", port: 80 }],
  ["[::1]:80", { host: "::1", port: 80 }],
])("%s is an address", (text, wanted) => {
  expect(parseHostPort(text, "client")).toEqual(wanted);
});

test.each(["", "host", "host:", ":1", "host:99999", "a:b:1"])(
  '"%s" is refused, naming the setting',
  (text) => {
    expect(() => parseHostPort(text, "client")).toThrow(/^client: ".*" is not host:port/);
  },
);
