import type { Patch } from "./patch.js";

/** A mistake that a simulated world can be given, to see that its checks find it. */
export interface PlantedBug {
  readonly name: string;
  readonly about: string;
  /** What it breaks. */
  readonly breaks: RegExp;
  /** It is found within so many seeds, counted from 1. */
  readonly withinSeeds: number;
  plant(patch: Patch): void;
}
