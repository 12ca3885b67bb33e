import { freePorts } from "../../shared/ports.js";
import { Child, httpOk } from "./child.js";
import { peerTool } from "./tools.js";

const READY_MS = 30_000;

/** etcd's own fan-out: one watch on the cluster for all watchers of the same keys. */
export interface EtcdProxy {
  /** host:port */
  readonly address: string;
  readonly child: Child;
}

/** Starts `etcd grpc-proxy` before a cluster; resolves when it answers. */
export async function startEtcdProxy(endpoints: readonly string[]): Promise<EtcdProxy> {
  const tool = await peerTool("etcd");
  const [port, metrics] = await freePorts(2);
  const address = `127.0.0.1:${port}`;
  const args = [
    "grpc-proxy",
    "start",
    `--endpoints=${endpoints.join(",")}`,
    `--listen-addr=${address}`,
    `--metrics-addr=http://127.0.0.1:${metrics}`,
  ];
  const child = new Child("etcd-proxy", tool.path, args, tool.env);
  await child.until(() => httpOk(`http://127.0.0.1:${metrics}/metrics`), READY_MS);
  return { address, child };
}
