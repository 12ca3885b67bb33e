import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

/** Types of records, RFC 1035 §3.2.2, RFC 3596 and RFC 2782. */
const TYPES: Readonly<Record<number, RecordType>> = { 1: "A", 28: "AAAA", 33: "SRV" };
const CLASS_IN = 1;
const HEADER_BYTES = 12;
/** Response, authoritative. */
const FLAGS = 0x8400;
const NO_ERROR = 0;
const SERVFAIL = 2;
const NXDOMAIN = 3;
/** Where the question's name stands, as a pointer to it: RFC 1035 §4.1.4. */
const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;

type RecordType = "A" | "AAAA" | "SRV";

/** What a name has; SRV records as `target:port`. */
export type DnsRecords = Partial<Record<RecordType, readonly string[]>>;

/** A DNS server on loopback that answers by UDP from what a test lays down. */
export class DnsServer {
  readonly #zone = new Map<string, DnsRecords>();
  readonly #socket: Socket;
  /** `silent`: every question is lost; `failing`: the server can't tell. */
  mode: "answering" | "silent" | "failing" = "answering";
  /** Questions that came. */
  questions = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (question, from) => this.#answer(question, from));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new DnsServer(socket);
  }

  /** 127.0.0.1:PORT */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** What a name has from now on; nothing at all makes it a name that isn't there. */
  set(name: string, records: DnsRecords): void {
    this.#zone.set(name, records);
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #answer(question: Buffer, { port, address }: RemoteInfo): void {
    this.questions++;
    if (this.mode === "silent") return;
    this.#socket.send(this.#responseTo(question), port, address);
  }

  #responseTo(question: Buffer): Buffer {
    const { name, end } = readName(question);
    const type = TYPES[question.readUInt16BE(end)];
    const records = this.#zone.get(name) ?? {};
    const found = (type === undefined ? undefined : records[type]) ?? [];
    const answers = this.mode === "failing" ? [] : found.map((text) => encode(type, text));
    const isKnown = Object.keys(records).length > 0;
    const code = this.mode === "failing" ? SERVFAIL : isKnown ? NO_ERROR : NXDOMAIN;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(question.readUInt16BE(0), 0);
    header.writeUInt16BE(FLAGS | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    const bodies = answers.map((data) => {
      const head = Buffer.alloc(HEADER_BYTES);
      head.writeUInt16BE(POINTER_TO_QUESTION, 0);
      head.writeUInt16BE(question.readUInt16BE(end), 2);
      head.writeUInt16BE(CLASS_IN, 4);
      head.writeUInt16BE(data.length, 10);
      return Buffer.concat([head, data]);
    });
    return Buffer.concat([header, question.subarray(HEADER_BYTES, end + 4), ...bodies]);
  }
}

/** The question's name, and where it ends. */
function readName(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

/** A record's data. */
function encode(type: RecordType | undefined, text: string): Buffer {
  if (type === "A") return Buffer.from(text.split(".").map(Number));
  if (type === "AAAA") return encodeIpv6(text);
  const [target = "", port = ""] = text.split(":");
  const head = Buffer.alloc(6);
  head.writeUInt16BE(Number(port), 4);
  const labels = target.split(".").map((label) => {
    return Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  });
  return Buffer.concat([head, ...labels, Buffer.alloc(1)]);
}

function encodeIpv6(text: string): Buffer {
  const [before = "", after = ""] = text.split("::");
  const words = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
  const bytes = Buffer.alloc(16);
  words(before).forEach((word, i) => bytes.writeUInt16BE(word, 2 * i));
  words(after)
    .reverse()
    .forEach((word, i) => bytes.writeUInt16BE(word, 14 - 2 * i));
  return bytes;
}
