import { join } from "node:path";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { packedSize, packRecord } from "../../regional/backend/packed.js";
import { RecordTable } from "../../regional/store/records.js";

/**
 * Changes the one record of a table that contains a text, in the data directory of a member
 * that is stopped, and gives it a checksum that fits: what a member would hold whose memory
 * failed just before it wrote.
 */
function editStored(
  dataDir: string,
  table: RecordTable,
  text: string,
  edit: (value: Buffer, at: number) => void,
): void {
  const db = new Database(join(dataDir, "state.db"));
  try {
    const rows = db
      .prepare<[], { key: number; value: Buffer }>(`SELECT key, value FROM t${table}`)
      .all()
      .filter(({ value }) => value.includes(text));
    const [row] = rows;
    if (row === undefined || rows.length > 1) {
      throw new Error(`${rows.length} records of ${dataDir} contain ${text}`);
    }
    const { key, value } = row;
    edit(value, value.indexOf(text));
    const packed = Buffer.alloc(packedSize({ table, key, value }));
    packRecord({ table, key, value }, packed, 0);
    const update = db.prepare(`UPDATE t${table} SET value = ?, crc = ? WHERE key = ?`);
    update.run(value, crc32(packed), key);
  } finally {
    db.close();
  }
}

/** Flips a bit of a stored value, which begins with `text` and is the only one to contain it. */
export function flipStoredValue(dataDir: string, text: string): void {
  editStored(dataDir, RecordTable.rows, text, (value, at) => {
    value[at] = (value[at] as number) ^ 1;
  });
}

const CHAIN_FIELD = '"value":"';

/** Changes the hash chain that a member has written down, as if an entry had done something else. */
export function changeStoredChain(dataDir: string): void {
  editStored(dataDir, RecordTable.meta, CHAIN_FIELD, (value, at) => {
    const digit = at + CHAIN_FIELD.length;
    value[digit] = value[digit] === 0x30 ? 0x31 : 0x30;
  });
}
