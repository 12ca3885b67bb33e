import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "./exec.js";
import { peerTool } from "./tools.js";

/** All that `openssl req` has to be told where the host has no openssl.cnf. */
const CONFIG = `[req]
distinguished_name = subject
x509_extensions = authority
[subject]
[authority]
basicConstraints = critical, CA:TRUE
`;
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A certificate authority for a test, in a folder of the test. Certificates last a day. */
export class Authority {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes `ca.pem` and `ca.key` in a folder. */
  static async create(folder: string): Promise<Authority> {
    const authority = new Authority(folder);
    await writeFile(authority.#at("openssl.cnf"), CONFIG);
    const files = ["-keyout", authority.#at("ca.key"), "-out", authority.#at("ca.pem")];
    const subject = ["-x509", "-days", "1", "-subj", "/CN=authority"];
    await authority.#openssl("req", ...subject, ...NEW_KEY, ...files);
    return authority;
  }

  /** Makes `NAME.pem` and `NAME.key`; extensions in openssl's form, one a line. */
  async certify(name: string, extensions: string): Promise<void> {
    const request = this.#at(`${name}.csr`);
    const extensionsFile = this.#at(`${name}.ext`);
    await writeFile(extensionsFile, extensions);
    const files = ["-keyout", this.#at(`${name}.key`), "-out", request];
    await this.#openssl("req", "-new", "-subj", `/CN=${name}`, ...NEW_KEY, ...files);
    const signer = ["-CA", this.#at("ca.pem"), "-CAkey", this.#at("ca.key"), "-CAcreateserial"];
    const made = ["-in", request, "-extfile", extensionsFile, "-out", this.#at(`${name}.pem`)];
    await this.#openssl("x509", "-req", "-days", "1", ...signer, ...made);
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }

  async #openssl(...args: readonly string[]): Promise<void> {
    const tool = await peerTool("openssl");
    const env = { ...tool.env, OPENSSL_CONF: this.#at("openssl.cnf") };
    const { code, stderr } = await exec(tool.path, args, { env });
    if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  }
}
