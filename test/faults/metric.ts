/** A member's or gateway's metric as it says now; 0 while it isn't told, NaN while nobody answers. */
export async function metric(http: string, name: string): Promise<number> {
  try {
    const response = await fetch(`http://${http}/metrics`, { signal: AbortSignal.timeout(2_000) });
    const line = (await response.text())
      .split("\n")
      .find((text) => text.startsWith(`${name}{`) || text.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ")));
  } catch {
    return Number.NaN;
  }
}
