import { raftScripts } from "./command.js";

process.exitCode = raftScripts(process.argv.slice(2), {
  environment: process.env,
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
});
