import { join } from "node:path";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { packedSize, packRecord } from "../../regional/backend/packed.js";
import { RecordTable } from "../../regional/store/records.js";

/**
 * Flips a bit of a stored value in the data directory of a member that is stopped, with a
 * checksum that fits: what a member would hold whose memory failed just before it wrote.
 * `value` is the text of the value, which must be there once.
 */
export function flipStoredValue(dataDir: string, value: string): void {
  const db = new Database(join(dataDir, "state.db"));
  try {
    const table = RecordTable.rows;
    const rows = db
      .prepare<[], { key: number; value: Buffer }>(`SELECT key, value FROM t${table}`)
      .all()
      .filter((row) => row.value.includes(value));
    const [row] = rows;
    if (row === undefined || rows.length > 1) {
      throw new Error(`${rows.length} rows of ${dataDir} hold ${value}`);
    }
    const at = row.value.indexOf(value);
    row.value[at] = (row.value[at] as number) ^ 1;
    const record = { table, key: row.key, value: row.value };
    const packed = Buffer.alloc(packedSize(record));
    packRecord(record, packed, 0);
    db.prepare(`UPDATE t${table} SET value = ?, crc = ? WHERE key = ?`).run(
      row.value,
      crc32(packed),
      row.key,
    );
  } finally {
    db.close();
  }
}
