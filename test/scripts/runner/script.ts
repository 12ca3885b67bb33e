import { AtollError } from "../../../shared/errors.js";
import { type Argument, parseCommandLine } from "./command-line.js";

/** A line of a script, for errors. */
export interface Place {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Says what is wrong with a script, and where. */
export function scriptError(place: Place, problem: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", `${place.file}:${place.line}: ${problem}`);
}

/** Expected output, as it stands in the file. */
export interface Expected {
  readonly lines: readonly string[];
  /** The line of the file on which it begins, counted from 1. */
  readonly firstLine: number;
}

/** One command of a script with what it is to print. */
export interface Directive {
  readonly place: Place;
  readonly command: string;
  readonly args: readonly Argument[];
  /** The lines between the command and `----`, trimmed. */
  readonly input: string;
  readonly expected: Expected;
}

/** A script in Cockroach's datadriven format. */
export interface Script {
  readonly file: string;
  readonly lines: readonly string[];
  /** The comment lines before the first command, without their `#`. */
  readonly reason: string;
  readonly directives: readonly Directive[];
}

const SEPARATOR = "----";

function isSkipped(line: string): boolean {
  const text = line.trim();
  return text === "" || text.startsWith("#");
}

/** Reads one file from top to bottom. */
class Reader {
  readonly #file: string;
  readonly #lines: readonly string[];
  #at = 0;

  constructor(file: string, lines: readonly string[]) {
    this.#file = file;
    this.#lines = lines;
  }

  /** The next command with its output; null at the end of the file. */
  directive(): Directive | null {
    while (this.#at < this.#lines.length && isSkipped(this.#line())) this.#at++;
    if (this.#at >= this.#lines.length) return null;
    const place = { file: this.#file, line: this.#at + 1 };
    const text = this.#command();
    const { command, args } = parseCommandLine(text, (problem) => scriptError(place, problem));
    const input = this.#input(place, command);
    return { place, command, args, input, expected: this.#expected(place) };
  }

  #line(): string {
    return this.#lines[this.#at] ?? "";
  }

  /** A command line goes on in the next line after a backslash at its end. */
  #command(): string {
    let text = this.#lines[this.#at++] ?? "";
    while (text.endsWith("\\") && this.#at < this.#lines.length) {
      text = `${text.slice(0, -1).trimEnd()} ${this.#line().trimStart()}`;
      this.#at++;
    }
    return text.trim();
  }

  #input(place: Place, command: string): string {
    const input: string[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#line();
      if (line.trimEnd() === SEPARATOR) {
        this.#at++;
        return input.join("\n").trim();
      }
      input.push(line);
    }
    throw scriptError(place, `${command} has no output: a line ${SEPARATOR} must follow it`);
  }

  /** The output ends with a blank line or, if it began with a second `----`, with two more. */
  #expected(place: Place): Expected {
    const fenced = this.#at < this.#lines.length && this.#line().trimEnd() === SEPARATOR;
    if (fenced) this.#at++;
    const firstLine = this.#at + 1;
    const lines: string[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#line();
      if (fenced ? this.#isFence() : line.trim() === "") {
        this.#at += fenced ? 2 : 1;
        return { lines, firstLine };
      }
      lines.push(line);
    }
    if (fenced) throw scriptError(place, `its output has no end: two lines ${SEPARATOR}`);
    return { lines, firstLine };
  }

  #isFence(): boolean {
    const next = this.#lines[this.#at + 1] ?? "";
    return this.#line().trimEnd() === SEPARATOR && next.trimEnd() === SEPARATOR;
  }
}

function reasonOf(lines: readonly string[]): string {
  const comment: string[] = [];
  for (const line of lines) {
    if (!line.startsWith("#")) break;
    comment.push(line.replace(/^#+ ?/, ""));
  }
  return comment.join("\n").trim();
}

/**
 * Takes a script apart.
 * @throws AtollError INVALID_ARGUMENT naming file, line and what is malformed
 */
export function parseScript(file: string, text: string): Script {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const reader = new Reader(file, lines);
  const directives: Directive[] = [];
  let next = reader.directive();
  while (next !== null) {
    directives.push(next);
    next = reader.directive();
  }
  if (directives.length === 0) throw scriptError({ file, line: 1 }, "it holds no command");
  return { file, lines, reason: reasonOf(lines), directives };
}
