/** A metric without labels of its own in Prometheus's text format; 0 when it isn't told. */
export function metricIn(text: string, name: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length));
}
