import { fromUtf8, toBinaryKey, utf8 } from "../../shared/bytes.js";
import { errorText } from "../../shared/errors.js";
import { DEFAULT_INTENT, type Intent, parseIntent } from "../../shared/etcd/intent.js";
import { INTENT_KEY } from "../../shared/etcd/keys.js";
import type { Logger } from "../../shared/log.js";
import type { SourceEvent, SourceOutput } from "../source/types.js";

const KEY = toBinaryKey(utf8(INTENT_KEY));

/** What the own region is for, as its state says. */
export class RegionIntent {
  readonly #log: Logger;
  #intent: Intent | undefined = DEFAULT_INTENT;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Undefined when what the region says can't be read: then it is not taken for active. */
  get now(): Intent | undefined {
    return this.#intent;
  }

  /** Takes what the source says next. */
  take(output: SourceOutput): void {
    if (output.kind === "reset") this.#intent = DEFAULT_INTENT;
    else if (output.kind === "load") for (const record of output.records) this.#read(record);
    else if (output.kind === "batch") for (const event of output.events) this.#read(event);
  }

  #read({ key, value }: SourceEvent): void {
    if (key !== KEY) return;
    try {
      this.#intent = value === undefined ? DEFAULT_INTENT : parseIntent(fromUtf8(value));
    } catch (error) {
      this.#intent = undefined;
      this.#log.warn({ error: errorText(error) }, "the region's intent can't be read");
    }
  }
}
