import { AtollError, errorText } from "../errors.js";
import { CLIENT_BACKOFF_MAX_MS, CLIENT_BACKOFF_MIN_MS, CLIENT_STEADY_MS } from "../limits.js";
import type { Random } from "../random.js";

/**
 * Which gateway to ask next, and after what pause (pure: time and randomness come from
 * outside). One that fails is left for the next at once; when all have failed in a row,
 * pauses begin, each at most twice the one before, with jitter, up to a bound.
 */
export class GatewayRing {
  readonly #targets: readonly string[];
  readonly #random: Random;
  #at: number;
  #failures = 0;
  /** Since a gateway last answered anything. */
  #failuresInRow = 0;
  #failingSinceMs: number | undefined;
  /** What each gateway failed with last. */
  readonly #reasons = new Map<string, string>();

  /** `first` is the gateway to ask first. Throws INVALID_ARGUMENT when there are no gateways. */
  constructor(targets: readonly string[], random: Random, first?: string) {
    if (targets.length === 0) {
      throw new AtollError("INVALID_ARGUMENT", "gateways: is empty; name at least one HOST:PORT");
    }
    this.#targets = targets;
    this.#random = random;
    this.#at = Math.max(0, first === undefined ? 0 : targets.indexOf(first));
  }

  /** The gateway to ask. */
  get target(): string {
    return this.#targets[this.#at] as string;
  }

  /**
   * Whether every gateway has been asked and none has answered for so many milliseconds.
   */
  isLost(nowMs: number, giveUpAfterMs: number): boolean {
    const since = this.#failingSinceMs;
    if (since === undefined || this.#failuresInRow < this.#targets.length) return false;
    return nowMs - since >= giveUpAfterMs;
  }

  /** The gateway has answered, for so long; a short life doesn't end the pauses. */
  served(forMs: number): void {
    this.#failingSinceMs = undefined;
    this.#failuresInRow = 0;
    if (forMs >= CLIENT_STEADY_MS) this.#failures = 0;
  }

  /**
   * The gateway has failed; gives the milliseconds to wait before the next is asked. One
   * that had answered before it failed doesn't count as one that doesn't answer.
   */
  failed(error: unknown, nowMs: number, hadAnswered = false): number {
    this.#reasons.set(this.target, errorText(error));
    this.#failures++;
    if (!hadAnswered) {
      this.#failingSinceMs ??= nowMs;
      this.#failuresInRow++;
    }
    this.#at = (this.#at + 1) % this.#targets.length;
    const rounds = Math.floor(this.#failures / this.#targets.length);
    if (rounds === 0 || this.#failures % this.#targets.length !== 0) return 0;
    const longest = Math.min(CLIENT_BACKOFF_MAX_MS, CLIENT_BACKOFF_MIN_MS * 2 ** (rounds - 1));
    return longest * (0.5 + this.#random.next() / 2);
  }

  /** The error of a call that no gateway answers. */
  exhausted(): AtollError {
    const said = [...this.#reasons].map(([target, reason]) => `${target}: ${reason}`).join("; ");
    return new AtollError("UNAVAILABLE", `no gateway answers (${said})`);
  }
}
