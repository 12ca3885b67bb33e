/**
 * The few HTTP/2 frames that a load generator needs (RFC 9113). It is written by
 * hand because a full client costs as much a call as the servers under test, on the
 * same two cores.
 */
export const FRAME_HEADER_BYTES = 9;

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
} as const;
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4 } as const;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** One frame as bytes. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

function literal(name: string, value: string): Buffer {
  // RFC 7541 §6.2.2: literal header field without indexing, new name, no Huffman coding.
  const text = (part: string): Buffer =>
    Buffer.concat([Buffer.from([part.length]), Buffer.from(part)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** A header block that leaves the peer's dynamic table alone, so one block serves every request. */
export function requestHeaders(path: string, authority: string): Buffer {
  const block = [
    literal(":method", "POST"),
    literal(":scheme", "http"),
    literal(":path", path),
    literal(":authority", authority),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ];
  return Buffer.concat(block);
}

/** A gRPC message behind its five-byte header. */
export function grpcMessage(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(5 + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

/** What opens a connection that keeps to HTTP/2's own windows of 64 KiB. */
export function bareOpening(): Buffer {
  return Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0, new Uint8Array(0))]);
}

/** What opens a connection: preface, settings with a large window, a large connection window. */
export function opening(): Buffer {
  const window = 0x3fff_ffff;
  const settings = Buffer.alloc(12);
  settings.writeUInt16BE(4, 0);
  settings.writeUInt32BE(window, 2);
  settings.writeUInt16BE(1, 6);
  settings.writeUInt32BE(0, 8);
  const update = Buffer.alloc(4);
  update.writeUInt32BE(window, 0);
  return Buffer.concat([
    PREFACE,
    frame(FRAME.SETTINGS, 0, 0, settings),
    frame(FRAME.WINDOW_UPDATE, 0, 0, update),
  ]);
}
