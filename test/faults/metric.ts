const WAIT_MS = 30_000;
const LOOK_MS = 30;

/**
 * A member's or gateway's metric as it says now, the sum over all series whose labels have
 * these texts in them; 0 while it isn't told, NaN while nobody answers.
 */
export async function metric(
  http: string,
  name: string,
  ...labels: readonly string[]
): Promise<number> {
  try {
    const response = await fetch(`http://${http}/metrics`, { signal: AbortSignal.timeout(2_000) });
    return (await response.text())
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  } catch {
    return Number.NaN;
  }
}

/** Resolves when `isSo`; rejects naming `what` when that takes too long. */
export async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
