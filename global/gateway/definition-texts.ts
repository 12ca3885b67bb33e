import { clipText, fromUtf8 } from "../../shared/bytes.js";
import { SUMMARIES_PREFIX } from "../../shared/etcd/keys.js";
import { MAX_REPORT_TEXT_BYTES } from "../../shared/limits.js";
import type { SourceEvent, SourceOutput } from "../source/types.js";
import { keyText } from "../summary/cel/bindings.js";

/** The summary definitions of a region as they were written, for people to read; long ones cut. */
export class DefinitionTexts {
  readonly #texts = new Map<string, string>();

  /** The text of a definition; empty when there is none. */
  of(summary: string): string {
    return this.#texts.get(summary) ?? "";
  }

  /** Takes what the source says next. */
  take(output: SourceOutput): void {
    if (output.kind === "reset") this.#texts.clear();
    else if (output.kind === "load") for (const record of output.records) this.#keep(record);
    else if (output.kind === "batch") for (const event of output.events) this.#keep(event);
  }

  #keep({ key, value }: SourceEvent): void {
    if (!key.startsWith(SUMMARIES_PREFIX)) return;
    const name = keyText(key.slice(SUMMARIES_PREFIX.length));
    if (value === undefined) this.#texts.delete(name);
    else this.#texts.set(name, clipText(fromUtf8(value), MAX_REPORT_TEXT_BYTES));
  }
}
