import { expect, test } from "vitest";
import { Progress } from "../../../deploy/terminal/progress.js";
import { formatTable } from "../../../deploy/terminal/table.js";

test("a table lines up, numbers to the right, without trailing blanks", () => {
  const text = formatTable(
    [{ head: "NAME" }, { head: "LAG", align: "right" }],
    [
      ["us-east-m0", "7"],
      ["m1", "1200"],
    ],
  );
  expect(text).toBe("NAME         LAG\nus-east-m0     7\nm1          1200\n");
});

test("progress rewrites one line in a terminal", () => {
  let text = "";
  const progress = new Progress({ isTTY: true, write: (part) => (text += part) });
  progress.step("one");
  progress.step("two");
  progress.line("stays");
  expect(text).toBe("\r\u001b[2Kone\r\u001b[2Ktwo\r\u001b[2Kstays\n");
});

test("progress writes plain lines elsewhere", () => {
  let text = "";
  const progress = new Progress({ write: (part) => (text += part) });
  progress.step("one");
  progress.clear();
  progress.line("two");
  expect(text).toBe("one\ntwo\n");
});
