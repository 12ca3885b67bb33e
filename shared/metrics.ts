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
