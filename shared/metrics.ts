import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export { Counter, Gauge, Histogram, Registry };

/**
 * Milliseconds between two readings of the event loop's lag. Each one wakes the process,
 * so many idle processes on one machine add up.
 */
const LAG_READING_MS = 100;

/**
 * A registry with the process's default metrics (event-loop lag, memory, CPU).
 * `labels` stand on every series. Units are Prometheus's base units: seconds, bytes.
 */
export function createRegistry(labels: Record<string, string>): Registry {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_READING_MS });
  return registry;
}

/** A gauge that is read when it is scraped: its name, its help, and what it stands at. */
export type GaugeRow = readonly [name: string, help: string, read: () => number];

/** Registers gauges whose names begin with `prefix`. */
export function registerGauges(
  registry: Registry,
  prefix: string,
  rows: readonly GaugeRow[],
): void {
  for (const [name, help, read] of rows) {
    new Gauge({
      name: prefix + name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}
