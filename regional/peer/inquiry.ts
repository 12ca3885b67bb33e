import { connect } from "node:net";
import { formatHostPort, type HostPort } from "../../shared/address.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { FrameReader, FrameType } from "./frame.js";
import { helloFrame, Purpose } from "./hello.js";

/**
 * Asks the member at an address to describe its cluster; the payload is its answer. Rejects
 * with UNAVAILABLE naming the address and saying why.
 */
export function inquire(address: HostPort, timeoutMs: number): Promise<Buffer> {
  const where = formatHostPort(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    const fail = (reason: string): void => {
      reject(new AtollError("UNAVAILABLE", `${where}: ${reason}`));
      socket.destroy();
    };
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    const reader = new FrameReader((type, payload) => {
      if (type === FrameType.description) {
        resolve(payload);
        socket.destroy();
      } else {
        fail(type === FrameType.refusal ? fromUtf8(payload) : `it sent a frame of type ${type}`);
      }
    });
    socket.on("connect", () => {
      const nobody = { clusterId: 0, from: 0, to: 0, leases: false, address: "" };
      socket.write(helloFrame({ purpose: Purpose.inquiry, ...nobody }));
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        fail(errorText(error));
      }
    });
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => {
      clearTimeout(timer);
      fail("the connection was closed");
    });
  });
}
