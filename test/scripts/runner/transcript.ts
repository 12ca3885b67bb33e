const LEVELS = ["debug", "info", "warn", "error", "fatal", "none"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** A log level by its name in any case; undefined if there is none of that name. */
export function logLevelOf(name: string): LogLevel | undefined {
  return LEVELS.find((level) => level === name.toLowerCase());
}

/** All names, for an error. */
export const LOG_LEVELS: string = LEVELS.join(", ");

/**
 * What one command prints. At level `none` nothing is printed at all; the other levels
 * differ in the lines of etcd's logger only, which are never written here.
 */
export class Transcript {
  level: LogLevel = "debug";
  #lines: string[] = [];
  #indent = "";

  /** Adds a text of one or more lines. */
  print(text: string): void {
    if (this.level === "none") return;
    for (const line of text.split("\n")) this.#lines.push(this.#indent + line);
  }

  /** Runs something whose output is indented. */
  indented(run: () => void): void {
    const before = this.#indent;
    this.#indent = `${before}  `;
    try {
      run();
    } finally {
      this.#indent = before;
    }
  }

  /** Adds an error's text, at any level. */
  error(text: string): void {
    this.#lines.push(text);
  }

  /** Takes what was printed since the last call; `ok` if nothing was. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines.length === 0 ? ["ok"] : lines;
  }
}
