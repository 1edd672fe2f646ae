// Zip files of stored records, made here so that every field can be wrong; large ones are sparse and in zip64.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface Record {
  name: string;
  data: Uint8Array;
  /** Where it begins in the file; after the one before unless told. */
  at?: number;
  /** Fields of the directory that differ from the truth. */
  size?: number;
  method?: number;
  /** The checksum of the data unless told. */
  crc?: number;
}

/** Write the records and their directory; sizes and places stand in zip64 fields. */
export function writeZip(file: string, records: readonly Record[]): void {
  const handle = openSync(file, 'w');
  try {
    let end = 0;
    const directory = records.map((record) => {
      const { name, data, at = end, size = data.length, method = 0, crc = crc32(data) } = record;
      const text = Buffer.from(name);
      const local = Buffer.alloc(30);
      local.writeUInt32LE(0x04034b50);
      local.writeUInt16LE(45, 4);
      local.writeUInt32LE(crc, 14);
      local.writeUInt32LE(0xffffffff, 18);
      local.writeUInt32LE(0xffffffff, 22);
      local.writeUInt16LE(text.length, 26);
      writeSync(handle, Buffer.concat([local, text, data]), 0, undefined, at);
      end = at + 30 + text.length + data.length;
      const entry = Buffer.alloc(46);
      entry.writeUInt32LE(0x02014b50);
      entry.writeUInt16LE(45, 4);
      entry.writeUInt16LE(45, 6);
      entry.writeUInt16LE(method, 10);
      entry.writeUInt32LE(crc, 16);
      entry.writeUInt32LE(0xffffffff, 20);
      entry.writeUInt32LE(0xffffffff, 24);
      entry.writeUInt16LE(text.length, 28);
      entry.writeUInt16LE(28, 30);
      entry.writeUInt32LE(0xffffffff, 42);
      const extra = Buffer.alloc(28);
      extra.writeUInt16LE(1);
      extra.writeUInt16LE(24, 2);
      [size, size, at].forEach((value, k) => extra.writeBigUInt64LE(BigInt(value), 4 + 8 * k));
      return Buffer.concat([entry, text, extra]);
    });
    const central = Buffer.concat(directory);
    const tail = Buffer.alloc(56 + 20 + 22);
    tail.writeUInt32LE(0x06064b50);
    tail.writeBigUInt64LE(44n, 4);
    tail.writeBigUInt64LE(BigInt(records.length), 24);
    tail.writeBigUInt64LE(BigInt(records.length), 32);
    tail.writeBigUInt64LE(BigInt(central.length), 40);
    tail.writeBigUInt64LE(BigInt(end), 48);
    tail.writeUInt32LE(0x07064b50, 56);
    tail.writeBigUInt64LE(BigInt(end + central.length), 64);
    tail.writeUInt32LE(1, 72);
    tail.writeUInt32LE(0x06054b50, 76);
    tail.fill(0xff, 84, 96);
    writeSync(handle, Buffer.concat([central, tail]), 0, undefined, end);
    ftruncateSync(handle, end + central.length + tail.length);
  } finally {
    closeSync(handle);
  }
}
