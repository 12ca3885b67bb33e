import { type ConfChangeSingle, ConfChangeType } from "../../../regional/raft/index.js";

const TYPES: Readonly<Record<string, ConfChangeType>> = {
  v: ConfChangeType.addNode,
  l: ConfChangeType.addLearnerNode,
  r: ConfChangeType.removeNode,
  u: ConfChangeType.updateNode,
};

/**
 * Membership changes as scripts write them: `v1` makes 1 a voter, `l2` makes 2 a learner, `r3`
 * removes 3, `u4` updates 4.
 * @throws what `fail` makes of a sentence that names the malformed word
 */
export function parseChanges(input: string, fail: (problem: string) => Error): ConfChangeSingle[] {
  const words = input.split(/\s+/).filter((word) => word !== "");
  return words.map((word) => {
    const type = TYPES[word.charAt(0)];
    const nodeId = /^\d+$/.test(word.slice(1)) ? Number(word.slice(1)) : Number.NaN;
    if (type === undefined || !Number.isSafeInteger(nodeId)) {
      throw fail(`"${word}" is no change; a change is v1, l1, r1 or u1, for some node 1`);
    }
    return { type, nodeId };
  });
}
