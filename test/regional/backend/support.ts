import { onTestFinished } from "vitest";
import { Backend } from "../../../regional/backend/backend.js";
import type { BackendHooks } from "../../../regional/backend/backend-hooks.js";
import { MemberStorage } from "../../../regional/backend/storage.js";
import type { Identity } from "../../../regional/log/identity.js";
import type { BackendRecord } from "../../../regional/store/records.js";
import type { AtollError } from "../../../shared/errors.js";
import { confState, identity } from "../log/entries.js";

export const member: Identity = { clusterId: 0xc1a5n, memberId: 0x3e3b };

function rethrow(error: AtollError): never {
  throw error;
}

export async function openBackend(
  path: string,
  hooks: Partial<BackendHooks> = {},
): Promise<Backend> {
  const all = { onFailure: rethrow, ...hooks };
  const backend = await Backend.open({ path, identity, hooks: all });
  onTestFinished(() => backend.close());
  return backend;
}

export async function openMember(path: string, who: Identity = member): Promise<MemberStorage> {
  const hooks = { onFailure: rethrow };
  const options = { path, identity: who, initial: confState, logHooks: hooks, backendHooks: hooks };
  const storage = await MemberStorage.open(options);
  onTestFinished(() => storage.close());
  return storage;
}

export function describeRecord({ table, key, value }: BackendRecord): string {
  const name = typeof key === "number" ? key : `0x${Buffer.from(key).toString("hex")}`;
  return `${table}/${name}=${value === null ? "-" : Buffer.from(value).toString("latin1")}`;
}

export async function loadAll(backend: Backend): Promise<string[]> {
  const all: string[] = [];
  for await (const records of backend.load()) all.push(...records.map(describeRecord));
  return all;
}
