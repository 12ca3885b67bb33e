import { errorText } from "../../shared/errors.js";
import { stopOnSignal } from "../../shared/lifecycle.js";
import { Progress } from "../terminal/progress.js";
import { formatEndpoints } from "./endpoints.js";
import { Fleet } from "./fleet.js";
import { HELP, type OutputForm, type PlaygroundOptions, parseOptions } from "./options.js";
import { Playground } from "./playground.js";

/** The program behind `npm start`. */
async function run(options: PlaygroundOptions & { output: OutputForm }): Promise<void> {
  const progress = new Progress(process.stderr);
  const playground = await Playground.open(options, progress);
  let fleet: Fleet | undefined;
  stopOnSignal(async () => {
    progress.line("stopping …");
    await fleet?.stop();
    await playground.stop();
    progress.line("stopped");
  });
  try {
    if (!(await playground.start())) return;
    if (options.fleet) {
      progress.step("starting the fleet …");
      fleet = await Fleet.start(playground.topology, playground.signal, progress);
      progress.clear();
    }
  } catch (error) {
    await fleet?.stop();
    await playground.stop();
    throw error;
  }
  if (playground.signal.aborted) return;
  process.stdout.write(
    options.output === "json"
      ? `${JSON.stringify(playground.topology)}\n`
      : formatEndpoints(playground.topology),
  );
  process.stdout.write("ready\n");
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else await run(options);
} catch (error) {
  process.stderr.write(`atoll: ${errorText(error)}\n`);
  process.exitCode = 1;
}
