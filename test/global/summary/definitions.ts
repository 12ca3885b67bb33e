/** A definition of the usual kind. */
export const MACHINES = `
name: machines
prefix: /machines/
where:  value.status == "healthy"          # CEL, over key parts and the JSON value
groupBy: [value.app]
measures:
  machines: count()
  spare:    sum(value.cpu_free)
  slowest:  max( value.p99_ms )
`;

/** One with just this measure, x. */
export function withMeasure(measure: string): string {
  return JSON.stringify({ name: "m", prefix: "/m/", measures: { x: measure } });
}
