import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHAIN_START, HashChain, isChainValue } from "../../../regional/store/chain.js";
import { RecordTable } from "../../../regional/store/records.js";
import { RegionState } from "../../../regional/store/state.js";
import { action } from "./arbitraries.js";
import { commandOf } from "./perform.js";
import { bytes, CONF_STATE, command, Driver, plainOutcome, printable, reload } from "./support.js";

/** The value after what `absorb` does. */
function valueOf(absorb: (chain: HashChain) => void): string {
  const chain = new HashChain();
  absorb(chain);
  return chain.value;
}

describe("the hash chain", () => {
  test("differs for each single bit of what is absorbed, wherever it lies", () => {
    for (const length of [1, 3, 15, 16, 17, 31, 32, 47, 300]) {
      const content = Uint8Array.from({ length }, (_, i) => (i * 37) & 0xff);
      const values = new Set([valueOf((chain) => chain.bytes(content))]);
      for (let bit = 0; bit < length * 8; bit++) {
        const flipped = content.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        values.add(valueOf((chain) => chain.bytes(flipped)));
      }
      expect(values.size).toBe(1 + length * 8);
    }
  });

  test("tells where one value ends and the next begins, and their order", () => {
    const [a, b, ab, zero] = [bytes("a"), bytes("b"), bytes("ab"), bytes("\0")];
    const values = [
      valueOf((chain) => chain.bytes(ab)),
      valueOf((chain) => [a, b].forEach((part) => chain.bytes(part))),
      valueOf((chain) => [b, a].forEach((part) => chain.bytes(part))),
      valueOf((chain) => chain.bytes(new Uint8Array(0))),
      valueOf((chain) => chain.bytes(zero)),
      valueOf((chain) => chain.bytes(bytes("\0".repeat(16)))),
      valueOf((chain) => chain.bytes(bytes("\0".repeat(17)))),
      valueOf((chain) => chain.text("ab")),
      valueOf((chain) => chain.text("ba")),
      valueOf((chain) => chain.text("")),
      valueOf((chain) => chain.numbers(1, 0)),
      valueOf((chain) => chain.numbers(0, 1)),
      valueOf((chain) => chain.numbers(2 ** 32, 1)),
      valueOf((chain) => chain.int64s(-1n, 1n)),
      valueOf((chain) => chain.int64s(2n ** 32n - 1n, 1n)),
      CHAIN_START,
    ];
    expect(new Set(values).size).toBe(values.length);
  });

  test("finds the two changes that cancel out in simpler hashes", () => {
    // The top bits of two words that one lane takes one after the other.
    const content = Buffer.alloc(48, 7);
    const changed = Buffer.from(content);
    changed[3] = (changed[3] as number) ^ 0x80;
    changed[19] = (changed[19] as number) ^ 0x80;
    expect(valueOf((chain) => chain.bytes(changed))).not.toBe(
      valueOf((chain) => chain.bytes(content)),
    );
  });

  test("goes on from its text", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.nat(), (parts, at) => {
        const whole = new HashChain();
        let pieces = new HashChain();
        parts.forEach((part, i) => {
          if (i === at % parts.length) pieces = new HashChain(pieces.value);
          whole.bytes(part);
          pieces.bytes(part);
        });
        expect(pieces.value).toBe(whole.value);
        expect(isChainValue(whole.value)).toBe(true);
      }),
    );
  });

  test("stays what it is: another function needs another CHAIN_VERSION", () => {
    const value = valueOf((chain) => {
      chain.words(1, -2, 3, 4);
      chain.bytes(bytes("a key and its value, longer than a block"));
      chain.text("NOT_FOUND");
    });
    expect(value).toBe("7d413bb41165a73360ae309c2aab01ab");
  });
});

/** A change of the configuration that carries no command. */
const LEAVE_JOINT = { transition: 0, changes: [], context: new Uint8Array(0) } as const;

/** What entries did, one text each, and the chain after each. */
function traceOf(datas: readonly Uint8Array[]): { effects: string[]; chains: string[] } {
  const state = new RegionState(CONF_STATE);
  const effects: string[] = [];
  const chains: string[] = [];
  datas.forEach((data, i) => {
    const outcome = plainOutcome(state.apply(i + 1, 1, data));
    const records = state.takeChanges().records.filter(({ table }) => table !== RecordTable.meta);
    const text = JSON.stringify(outcome, (_, value: unknown) =>
      typeof value === "bigint" ? `${value}n` : value,
    );
    effects.push([text, ...printable(records)].join("\n"));
    chains.push(state.chain);
  });
  return { effects, chains };
}

const script = fc.array(action, { minLength: 1, maxLength: 40, size: "max" });

describe("the chain of a state", () => {
  test("differs from the first entry on that did something else, and not before", () => {
    const counts = { same: 0, different: 0 };
    fc.assert(
      fc.property(script, fc.nat(), action, (actions, place, other) => {
        const state = new RegionState(CONF_STATE);
        const datas = actions.flatMap((next) => commandOf(next, state) ?? []);
        const replacement = commandOf(other, state);
        fc.pre(replacement !== undefined && datas.length > 0);
        const changed = datas.with(place % datas.length, replacement);
        const [one, two] = [traceOf(datas), traceOf(changed)];
        const first = one.effects.findIndex((effect, i) => effect !== two.effects[i]);
        counts[first < 0 ? "same" : "different"]++;
        one.chains.forEach((chain, i) => {
          expect(chain === two.chains[i]).toBe(first < 0 || i < first);
        });
      }),
      { numRuns: 500 },
    );
    expect(counts.different).toBeGreaterThan(100);
  });

  test("is the same however entries are batched, tidied, and whatever is restarted between them", () => {
    fc.assert(
      fc.property(script, (actions) => {
        const one = new Driver();
        const other = new Driver();
        for (const next of actions) {
          const data = commandOf(next, one.state);
          if (data !== undefined) {
            expect(plainOutcome(other.apply(data))).toEqual(plainOutcome(one.apply(data)));
          } else if (next.do === "tidy") {
            other.tidyAll();
            other.state.takeChanges();
          } else if (next.do === "reload" || next.do === "crash") {
            other.state = reload(other.state.dump());
          }
          expect(other.state.chain).toBe(one.state.chain);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("notices a planted change of a value as soon as an outcome shows it", () => {
    const driver = new Driver();
    driver.put("a", "good");
    const records = [...driver.state.dump()].map((record) => {
      const { table, value } = record;
      if (table !== RecordTable.rows || value === null) return record;
      const flipped = Buffer.from(value);
      flipped[flipped.indexOf("good")] = 0x66;
      return { ...record, value: flipped };
    });
    const flipped = reload(records);
    expect(flipped.chain).toBe(driver.state.chain);
    const data = command.put({ key: bytes("b"), value: bytes("x") });
    driver.state.apply(2, 1, data);
    flipped.apply(2, 1, data);
    expect(flipped.chain).toBe(driver.state.chain);
    const shows = command.put({ key: bytes("a"), value: bytes("new"), prevKv: true });
    driver.state.apply(3, 1, shows);
    flipped.apply(3, 1, shows);
    expect(flipped.chain).not.toBe(driver.state.chain);
  });

  test("takes in changes of the membership, and what they remove", () => {
    const chains = [
      { ...CONF_STATE },
      { ...CONF_STATE, voters: [11, 22] },
      { ...CONF_STATE, voters: [11, 22], learners: [33] },
      { ...CONF_STATE, voters: [11, 22], learnersNext: [33] },
      { ...CONF_STATE, voters: [11, 22], votersOutgoing: [33] },
      { ...CONF_STATE, autoLeave: true },
    ].map((confState) => {
      const state = new RegionState(CONF_STATE);
      state.applyConfChange(1, 1, LEAVE_JOINT, () => confState);
      return state.chain;
    });
    expect(new Set(chains).size).toBe(chains.length);
    const listed = new RegionState(CONF_STATE);
    const voters = CONF_STATE.voters.toReversed();
    listed.applyConfChange(1, 1, LEAVE_JOINT, () => ({ ...CONF_STATE, voters }));
    expect(listed.chain).toBe(chains[0]);
    expect(listed.digestTables(10)).toBe(reload(listed.dump()).digestTables(10));
    const [published, unpublished] = [new Driver(), new Driver()];
    published.apply(command.member({ ID: 33n, name: "three" }));
    unpublished.apply(command.member({ ID: 33n, name: "four" }));
    expect(published.state.chain).not.toBe(unpublished.state.chain);
  });

  test("tells errors apart, and lease effects", () => {
    const { chains } = traceOf([command.revoke(5n)]);
    const others = [
      command.compact(99n),
      command.grant(5n, 10n),
      command.grant(5n, 11n),
      command.grant(6n, 10n),
      new Uint8Array(0),
      bytes("x"),
    ].map((data) => traceOf([data]).chains[0]);
    expect(new Set([...chains, ...others]).size).toBe(1 + others.length);
    const two = (seconds: number): string[] =>
      traceOf([command.grant(5n, 60n), command.checkpoint(1, [{ id: 5n, remainingTtl: seconds }])])
        .chains;
    expect(two(20)[0]).toBe(two(30)[0]);
    expect(two(20)[1]).not.toBe(two(30)[1]);
  });
});
