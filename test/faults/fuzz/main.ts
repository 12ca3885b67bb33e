import { errorText } from "../../../shared/errors.js";
import { fuzz } from "./fuzz.js";
import { HELP, parseFuzzOptions } from "./options.js";

/**
 * Attacks a real gateway by seeds. Prints each attack, and of each that hurt what was hurt
 * and the command that attacks so again. Exit code 1 if any did.
 */
async function run(words: readonly string[]): Promise<number> {
  const options = parseFuzzOptions(words);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  let attacks = 0;
  let hurts = 0;
  for await (const one of fuzz(options.classes, options.first, options.last)) {
    const { name, seed, what, tookMs, hurt } = one;
    attacks++;
    if (hurt !== undefined) hurts++;
    process.stdout.write(
      `${hurt === undefined ? "unhurt" : "HURT  "} ${name} ${seed}: ${what} (${Math.round(tookMs)} ms)\n`,
    );
    if (hurt !== undefined) process.stdout.write(`  ${hurt}\n`);
  }
  process.stdout.write(`${attacks} attacks, ${hurts} hurt the gateway\n`);
  return hurts === 0 ? 0 : 1;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`fuzz: ${errorText(error)}\n`);
  process.exitCode = 2;
}
