import { AtollError } from "../../shared/errors.js";
import type { Verdict } from "./jury.js";
import { describe } from "./mark.js";

/**
 * Why a member that the majority contradicts stops, for the log and for those who try to
 * start it again: what differs, at which index, both hashes, who agrees, and what to do.
 */
export function divergedError(verdict: Verdict, self: number, dataDir: string): AtollError {
  const { mark, hashes, majority } = verdict;
  const own = hashes.get(self);
  const others = [...hashes].filter(([, hash]) => hash === majority);
  const ids = others.map(([id]) => id.toString(16)).join(", ");
  return new AtollError(
    "DATA_LOSS",
    `the state of this member (${self.toString(16)}) has diverged from its group's: ` +
      `${describe(mark)} is ${own} here, but ${majority} on a majority (members ${ids}). ` +
      `It can't serve any more: remove it from the group, empty ${dataDir}, and add it as a ` +
      "new member, which gets the group's state",
  );
}
