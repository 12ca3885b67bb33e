import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseTopology, type Topology } from "../../shared/topology.js";
import { Child } from "../peers/child.js";
import { type ExecResult, exec } from "../peers/exec.js";
import { REPOSITORY_ROOT } from "../peers/paths.js";
import { peerTool } from "../peers/tools.js";

/**
 * The README's tour as a new user takes it: its commands, one after the other as they stand
 * there, in a shell, on a playground of one member a region. What they print must have the
 * columns, regions and groups that the README shows.
 */
const READY_MS = 60_000;
const TOUR = /## A five-minute tour\n(.*?)\n## /s;
const WATCH = "digest watch";

interface Shown {
  readonly command: string;
  /** What the README shows below it. */
  readonly lines: readonly string[];
}

let folder: string;
let playground: Child;
let topology: Topology;
let environment: NodeJS.ProcessEnv;
let commands: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-readme-"));
  const dataDir = join(folder, ".atoll");
  const program = join(REPOSITORY_ROOT, "dist/deploy/playground/main.js");
  const words = ["--data-dir", dataDir, "--base-port", "0", "--members", "1", "--fleet"];
  playground = new Child("playground", process.execPath, [program, ...words], process.env);
  await playground.until(async () => playground.output().split("\n").includes("ready"), READY_MS);
  topology = parseTopology(await readFile(join(dataDir, "topology.json"), "utf8"), "topology.json");
  const tool = await peerTool("etcdctl");
  environment = { ...tool.env, ETCDCTL_API: "3" };
  // Shell functions, so that commands are run as they are written.
  const cli = join(REPOSITORY_ROOT, "dist/deploy/cli/main.js");
  commands = [
    `etcdctl() { '${tool.path}' "$@"; }`,
    `npm() { shift 4; '${process.execPath}' '${cli}' "$@"; }`,
  ].join("\n");
});

afterAll(async () => {
  await playground?.stop();
  await rm(folder, { recursive: true, force: true });
});

function shownIn(readme: string): Shown[] {
  const [, tour = ""] = TOUR.exec(readme) ?? [];
  const shown: Shown[] = [];
  for (const [, language, block = ""] of tour.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    if (language !== "") continue;
    for (const part of block.split(/^\$ /m).slice(1)) {
      const [command = "", ...lines] = part.trimEnd().split("\n");
      shown.push({ command, lines: lines.filter((line) => line !== "" && line !== "…") });
    }
  }
  return shown;
}

/** The command for this playground: its own ports, and what the last put was answered. */
function here(command: string, header: Record<string, unknown>, shown: Record<string, unknown>) {
  let own = command;
  for (const [index, region] of topology.regions.entries()) {
    own = own.replace(`127.0.0.1:${20_000 + 100 * index}`, region.members[0]?.client ?? "");
  }
  for (const field of ["revision", "cluster_id"]) {
    own = own.replace(String(shown[field]), String(header[field]));
  }
  return own;
}

const run = (command: string): Promise<ExecResult> =>
  exec("bash", ["-c", `${commands}\n${command}`], { cwd: folder, env: environment });

const isTable = (line: string): boolean => /^[A-Z]{3}/.test(line);
const columnsOf = (lines: readonly string[]): string[][] =>
  lines.filter(isTable).map((line) => line.trim().split(/ {2,}/));
/** What rows are about: the first column of all that isn't a table's head. */
const subjectsOf = (lines: readonly string[]): Set<string> =>
  new Set(lines.filter((line) => !isTable(line)).map((line) => line.split(/ {2,}/)[0] ?? ""));

/** Follows what a watch prints, line by line as the README shows it. */
class Watch {
  readonly #child: Child;
  readonly #lines: readonly string[];
  #seen = 0;

  constructor({ command, lines }: Shown) {
    this.#lines = lines;
    this.#child = new Child(
      "watch",
      "bash",
      ["-c", `${commands}\ncd '${folder}'\n${command} & echo pid $!; wait`],
      environment,
    );
  }

  /** Resolves when the next line has come. */
  async next(): Promise<void> {
    this.#seen++;
    const wanted = this.#lines.slice(0, this.#seen);
    await this.#child.until(async () => {
      const [, ...lines] = this.#child.output().split("\n");
      return lines.length >= wanted.length;
    }, READY_MS);
    const [, ...lines] = this.#child.output().split("\n");
    expect(lines).toEqual(wanted);
  }

  async stop(): Promise<void> {
    const [, pid] = /^pid (\d+)/.exec(this.#child.output()) ?? [];
    process.kill(Number(pid), "SIGTERM");
    await this.#child.exited;
  }
}

test("the README's tour works as it is written", async () => {
  const shown = shownIn(await readFile(join(REPOSITORY_ROOT, "README.md"), "utf8"));
  expect(shown.length).toBeGreaterThan(10);
  let header: Record<string, unknown> = {};
  let shownHeader: Record<string, unknown> = {};
  let watch: Watch | undefined;
  try {
    for (const one of shown) {
      const { lines } = one;
      const command = here(one.command, header, shownHeader);
      if (command.startsWith("npm start")) continue;
      if (command.startsWith("cat ")) {
        await writeFile(join(folder, command.slice("cat ".length)), `${lines.join("\n")}\n`);
      } else if (command.includes(WATCH)) {
        watch = new Watch({ command, lines });
        await watch.next();
      } else {
        let { stdout, stderr, code } = await run(command);
        const hasAll = (): boolean => {
          const printed = subjectsOf(stdout.split("\n"));
          return [...subjectsOf(lines)].every((subject) => printed.has(subject));
        };
        // A young fleet may not have all apps yet.
        const giveUpMs = performance.now() + READY_MS;
        while (command.includes("digest get") && !hasAll() && performance.now() < giveUpMs) {
          ({ stdout, stderr, code } = await run(command));
        }
        expect([code, stderr], command).toEqual([0, ""]);
        if (command.startsWith("etcdctl")) {
          if (command.includes("-w json")) {
            header = JSON.parse(stdout).header as Record<string, unknown>;
            shownHeader = JSON.parse(lines.join("")).header as Record<string, unknown>;
          } else await watch?.next();
        } else {
          const printed = stdout.split("\n").filter((line) => line !== "");
          expect(columnsOf(printed), command).toEqual(columnsOf(lines));
          for (const subject of subjectsOf(lines)) {
            expect(subjectsOf(printed), command).toContain(subject);
          }
        }
      }
    }
  } finally {
    await watch?.stop();
  }
}, 180_000);
