import { registerEtcdServices } from "../../../regional/api/register.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { FakeNode } from "./fake-node.js";

/** All services of a member over the wire, on a node of the test's. */
export class ServedNode {
  readonly node: FakeNode;
  readonly client: RpcClient;
  readonly #server: RpcServer;

  private constructor(node: FakeNode, server: RpcServer, client: RpcClient) {
    this.node = node;
    this.client = client;
    this.#server = server;
  }

  static async start(): Promise<ServedNode> {
    const node = new FakeNode();
    const server = new RpcServer({ observe: undefined, report: () => {} });
    registerEtcdServices(server, node, { electionTimeoutMs: 1_000 });
    const client = new RpcClient(`127.0.0.1:${await server.listen("127.0.0.1:0")}`);
    return new ServedNode(node, server, client);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.#server.stop(0);
  }
}
