import { configureGlobal } from "fast-check";

/**
 * Property tests draw from one seed, so that what passes once passes again. PROPERTY_SEED
 * gives another one, such as that of a failure, or `random`, which looks where nobody has.
 */
const given = process.env.PROPERTY_SEED ?? "1";
if (given !== "random") {
  const seed = Number(given);
  if (!Number.isInteger(seed)) {
    throw new Error(`PROPERTY_SEED: "${given}" is neither a whole number nor "random"`);
  }
  configureGlobal({ seed });
}
