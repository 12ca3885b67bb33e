const WAIT_MS = 30_000;
const LOOK_MS = 30;

/** A member's metric, whose name goes without `atoll_regional_`; the sum over its labels. */
export async function metric(http: string, name: string): Promise<number> {
  const response = await fetch(`http://${http}/metrics`, { signal: AbortSignal.timeout(5_000) });
  const lines = (await response.text()).split("\n");
  const found = lines.filter((line) => line.startsWith(`atoll_regional_${name}{`));
  return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Resolves when `isSo`; rejects naming `what` when that takes too long. */
export async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
