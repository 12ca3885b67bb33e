import { create } from "@bufbuild/protobuf";
import { AtollError } from "../../shared/errors.js";
import {
  type Health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../shared/gen/grpc/health/v1/health_pb.js";
import { HEALTH_WATCH_INTERVAL_MS } from "../../shared/limits.js";
import type { CallContext, Sink } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";

/** Resolves after a while, or as soon as one of the signals fires. */
function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    for (const signal of signals) {
      if (signal.aborted) done();
      else signal.addEventListener("abort", done, { once: true });
    }
  });
}

/**
 * The standard gRPC health check. A member serves while it knows a leader and isn't
 * stopping; that goes for the server ("") and for each of `services` alike.
 */
export function healthHandlers(
  node: Pick<RegionalNode, "hasLeader" | "stopping">,
  services: readonly string[],
): Handlers<typeof Health> {
  const known = new Set(["", ...services]);
  const current = (service: string): Status => {
    if (!known.has(service)) return Status.SERVICE_UNKNOWN;
    return node.hasLeader && !node.stopping.aborted ? Status.SERVING : Status.NOT_SERVING;
  };
  const answer = (status: Status): HealthCheckResponse =>
    create(HealthCheckResponseSchema, { status });

  return {
    check: ({ service }: HealthCheckRequest) => {
      const status = current(service);
      if (status === Status.SERVICE_UNKNOWN) throw new AtollError("NOT_FOUND", "unknown service");
      return answer(status);
    },
    list: () =>
      create(HealthListResponseSchema, {
        statuses: Object.fromEntries([...known].map((name) => [name, answer(current(name))])),
      }),
    watch: async (
      { service }: HealthCheckRequest,
      sink: Sink<HealthCheckResponse>,
      { signal }: CallContext,
    ) => {
      let told: Status | undefined;
      while (!signal.aborted) {
        const status = current(service);
        if (status !== told && !sink.send(answer(status))) await sink.drained();
        told = status;
        if (node.stopping.aborted) return;
        await pause(HEALTH_WATCH_INTERVAL_MS, [signal, node.stopping]);
      }
    },
  };
}
