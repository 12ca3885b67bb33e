import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { BinaryKey } from "../../shared/bytes.js";
import type { Clock } from "../../shared/clock.js";
import { AtollError, errorText } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import type { Incarnation } from "../../shared/etcd/incarnation.js";
import { MAX_UNSAID_EVENTS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import { type Admission, admit, forked, joinKnown, RESOLVING_COMMAND } from "./admission.js";
import { Complaint } from "./complaint.js";
import { SourceCore } from "./core.js";
import { Outlet } from "./outlet.js";
import { type HeldPast, readPast } from "./past.js";
import type { KeyRange } from "./scan.js";
import { Session } from "./session.js";
import { type Access, createIncarnation, type Head, lineageAt, readHead } from "./store.js";
import { DEFAULT_TIMING, type SourceTiming } from "./timing.js";
import type { KnownSource, SourceOutput, SourceStatus } from "./types.js";

export interface RegionSourceOptions {
  readonly client: EtcdClient;
  /** Name that the lineage key is written under. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Gets what the source says, in order. It must not throw. */
  readonly onOutput: (output: SourceOutput) => void;
  /** What this gateway remembers of the region from before. */
  readonly known?: KnownSource | undefined;
  /** How far what this gateway said before it was started again is still held. */
  readonly held?: () => HeldPast | undefined;
  /** What is read and watched; default all keys that begin with "/". */
  readonly range?: KeyRange;
  readonly timing?: Partial<SourceTiming>;
}

/** All keys that begin with "/". */
const DEFAULT_RANGE: KeyRange = { key: "/", end: "0" };

/**
 * Follows one region through its etcd API until it is stopped: connects, goes on at
 * another member when one fails, reads everything anew when history was compacted
 * away or the region began another incarnation, and refuses a store that went back.
 */
export class RegionSource {
  readonly #options: RegionSourceOptions;
  readonly #timing: SourceTiming;
  readonly #range: KeyRange;
  readonly #core: SourceCore;
  readonly #outlet: Outlet;
  readonly #stop = new AbortController();
  #remembered: KnownSource | undefined;
  /** Of the last lineage record that was held against the store's history. */
  #provenNonce = "";
  #adopted: { readonly counter: number; readonly nonce: string } | undefined;
  #session: Session | undefined;
  #clusterId: string | undefined;
  #running: Promise<void> | undefined;
  #problem: SourceStatus = { state: "connecting", error: undefined };
  /** Why it is not connected. */
  readonly #unconnected: Complaint;
  /** Why certificates or password can't be read again. */
  readonly #unreadable: Complaint;
  /** Why resuming won't do. */
  #mustBegin: string | undefined;

  constructor(options: RegionSourceOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#range = options.range ?? DEFAULT_RANGE;
    this.#core = new SourceCore(this.#range);
    this.#remembered = options.known;
    this.#outlet = new Outlet({
      clock: options.clock,
      say: (output) => {
        // What a connection begins with doesn't show that it works.
        if (output.kind !== "reset" && output.kind !== "lineage") this.#unconnected.over();
        options.onOutput(output);
      },
      failed: (error) => {
        this.#mustBegin = "what was said was not taken";
        this.#session?.end(AtollError.from(error));
      },
    });
    const complaint = { log: options.log, clock: options.clock, patience: 1 };
    this.#unconnected = new Complaint({
      ...complaint,
      failing: "the region's source failed; connecting again",
      mended: "the region's source is connected",
    });
    this.#unreadable = new Complaint({
      ...complaint,
      failing: "certificates or password can't be read again; the ones of before are used",
      mended: "certificates and password can be read again",
    });
  }

  /** Begins to follow. Further calls do nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends everything; nothing is said after it. Safe to call again. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#outlet.close();
    this.#session?.end();
    await this.#running;
  }

  /** The cluster id that the store answered with last; undefined before it did. */
  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** How the source is, for people. */
  get status(): SourceStatus {
    const endpoint = this.#session?.endpoint;
    if (endpoint === undefined) return this.#problem;
    const { isFirstRead, keysRead: keys, keysExpected: expected, position } = this.#core;
    const trouble = this.#unconnected.text ?? this.#session?.trouble;
    if (isFirstRead) return { state: "loading", endpoint, keys, expected, trouble };
    return { state: "live", endpoint, revision: position, trouble };
  }

  /** How far the newest first read is, or was when it ended. */
  get firstRead(): { readonly keys: number; readonly expected: number | undefined } {
    return { keys: this.#core.keysRead, expected: this.#core.keysExpected };
  }

  /** What was followed so far, to be remembered. */
  get followed(): KnownSource | undefined {
    return this.#core.followed;
  }

  /** Takes what peers know of this region; one that contradicts the store ends in a refusal. */
  remember(known: KnownSource): void {
    if (this.#isOverruled(known.incarnation)) return;
    this.#remembered = joinKnown(this.#remembered, known);
    const followed = this.#core.followed?.incarnation;
    const { counter, nonce } = known.incarnation;
    if (followed === undefined || this.#session === undefined) return;
    if (nonce === followed.nonce) void this.#checkHistory(known, this.#session);
    if (counter < followed.counter || nonce === followed.nonce) return;
    this.#session.end(new AtollError("ABORTED", "peers know another incarnation of this region"));
  }

  /**
   * A restored store may have overtaken what peers know before they could tell: what it
   * has where their lineage record stood shows whether its history is theirs.
   */
  async #checkHistory(known: KnownSource, session: Session): Promise<void> {
    const mark = known.lineage;
    if (mark === undefined || mark.revision > this.#core.position) return;
    if (mark.nonce === this.#provenNonce || mark.nonce === this.#core.lineage?.nonce) return;
    let reason: string | undefined;
    try {
      reason = forked(mark, await lineageAt(this.#access, mark.revision));
    } catch (error) {
      this.#options.log.debug({ error: errorText(error) }, "the region's history can't be read");
      return;
    }
    this.#provenNonce = mark.nonce;
    if (reason === undefined) return;
    this.#remembered = known;
    session.end(new AtollError("ABORTED", reason));
  }

  /**
   * An operator has settled which life is the one of a counter: what was remembered of
   * another one counts no more, and a store in another one is refused.
   */
  adopt(counter: number, nonce: string): void {
    this.#adopted = { counter, nonce };
    const isOther = (known: KnownSource | undefined): boolean => {
      return known?.incarnation.counter === counter && known.incarnation.nonce !== nonce;
    };
    if (this.#remembered === undefined || isOther(this.#remembered)) {
      const incarnation = { counter, nonce, baseRevision: 0, parentNonce: "" };
      this.#remembered = { incarnation, revision: 0, lineage: undefined };
    }
    if (!isOther(this.#core.followed)) return;
    this.#session?.end(new AtollError("ABORTED", "an operator has adopted another incarnation"));
  }

  /** Whether an operator has settled against a life. */
  #isOverruled({ counter, nonce }: Incarnation): boolean {
    return this.#adopted?.counter === counter && this.#adopted.nonce !== nonce;
  }

  /** Asks for a further read of existing keys; it arrives as loads of this scan. */
  scan(id: number, prefix: BinaryKey): void {
    this.#core.scan(id, prefix);
    this.#session?.wake();
  }

  /** Gives up a further read. */
  cancelScan(id: number): void {
    this.#core.cancelScan(id);
  }

  async #run(): Promise<void> {
    const { retryMinMs, retryMaxMs } = this.#timing;
    let pauseMs = retryMinMs;
    while (!this.#stop.signal.aborted) {
      const positionBefore = this.#core.position;
      try {
        await this.#connect();
      } catch (error) {
        this.#failed(AtollError.from(error));
      }
      if (this.#core.position > positionBefore) pauseMs = retryMinMs;
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, retryMaxMs);
    }
  }

  #failed(error: AtollError): void {
    if (this.#stop.signal.aborted) return;
    if (error.code === "OUT_OF_RANGE") this.#mustBegin = "the watch's next revision was compacted";
    this.#problem = { state: "connecting", error: error.message };
    this.#unconnected.failed(error);
    this.#refreshAccess();
  }

  #refreshAccess(): void {
    try {
      if (this.#options.client.refresh()) {
        this.#options.log.info("certificates or password were replaced; they are read again");
      }
      this.#unreadable.over();
    } catch (error) {
      this.#unreadable.failed(AtollError.from(error));
    }
  }

  get #access(): Access {
    const { client } = this.#options;
    return { client, timeoutMs: this.#timing.callTimeoutMs, signal: this.#stop.signal };
  }

  async #connect(): Promise<void> {
    const head = await readHead(this.#access);
    const admission = await this.#admit(head);
    switch (admission.kind) {
      case "create":
        await createIncarnation(this.#access, {
          counter: 1,
          nonce: randomBytes(16).toString("hex"),
          baseRevision: 0,
          parentNonce: "",
        });
        return await this.#connect();
      case "refuse":
        this.#refuse(admission.reason);
        return;
      case "begin":
        this.#begin((await this.#past(head)) ?? head, admission, head.revision);
        break;
      case "resume":
        this.#resume(head);
        break;
    }
    await this.#follow(head);
  }

  /** Decides, with a look into the store's history where that may show a fork. */
  async #admit(head: Head): Promise<Admission> {
    for (;;) {
      const remembered = this.#remembered;
      const admission = await this.#admitBy(remembered, head);
      // What peers told while the history was being read counts, too.
      if (remembered === this.#remembered) return admission;
    }
  }

  async #admitBy(remembered: KnownSource | undefined, head: Head): Promise<Admission> {
    const before = this.#core.followed;
    const followed = before && this.#isOverruled(before.incarnation) ? undefined : before;
    const admission = admit(followed, remembered, head);
    if (admission.kind !== "begin" && admission.kind !== "resume") return admission;
    for (const known of [remembered, followed]) {
      const mark = known?.lineage;
      if (mark === undefined || known?.incarnation.nonce !== head.incarnation?.nonce) continue;
      const reason = forked(mark, await lineageAt(this.#access, mark.revision));
      if (reason !== undefined) return { kind: "refuse", reason };
    }
    return admission;
  }

  #refuse(reason: string): void {
    if (this.#problem.state !== "refused" || this.#problem.reason !== reason) {
      this.#options.log.error({ reason, command: RESOLVING_COMMAND }, "the region is refused");
    }
    this.#problem = { state: "refused", reason, command: RESOLVING_COMMAND };
  }

  #resume(head: Head): void {
    const { followed, isBroken } = this.#core;
    if (followed === undefined || (this.#mustBegin === undefined && !isBroken)) return;
    const reason = this.#mustBegin ?? "the watch left something out";
    this.#begin(head, { incarnation: followed.incarnation, reason });
  }

  /** Where to go on after a start; undefined later, when this process has said something else. */
  async #past(head: Head): Promise<Head | undefined> {
    if (this.#core.followed !== undefined) return undefined;
    return await readPast(this.#access, head, this.#options.held?.());
  }

  #begin(
    head: Head,
    { incarnation, reason }: { incarnation: KnownSource["incarnation"]; reason: string },
    newest: number = head.revision,
  ): void {
    const { revision, lineage, lineageVersion, lineageRevision } = head;
    this.#options.log.info(
      { incarnation: incarnation.counter, revision, newest, reason },
      "reading the region",
    );
    const isPast = revision < newest;
    const stand = { revision, isPast, lineage, lineageVersion, lineageRevision };
    this.#core.begin({ incarnation, reason, ...stand });
    this.#mustBegin = undefined;
    this.#emit();
  }

  async #follow(head: Head): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { client, gateway, clock, log } = this.#options;
    this.#clusterId = head.clusterId;
    const session = new Session({
      client,
      core: this.#core,
      range: this.#range,
      gateway,
      clock,
      log,
      timing: this.#timing,
      clusterId: head.clusterId,
      emit: () => this.#emit(),
      taken: () => this.#outlet.hasAtMost(MAX_UNSAID_EVENTS),
      remembered: () => this.#remembered,
      refreshAccess: () => this.#refreshAccess(),
    });
    this.#session = session;
    try {
      await session.run();
    } catch (error) {
      client.leave(session.endpoint);
      throw error;
    } finally {
      this.#session = undefined;
    }
  }

  #emit(): void {
    this.#outlet.push(this.#core.takeOutputs());
  }
}
