// Checkpoints as torch.save writes them, made from a description in which every field can be wrong: their pickle, their zip file.
import { crc32 } from 'node:zlib';

/** Bytes of one number, by PyTorch's storages. Written out: what the reader is compared with must not be its own table. */
export const storages = {
  DoubleStorage: 8,
  FloatStorage: 4,
  HalfStorage: 2,
  BFloat16Storage: 2,
  LongStorage: 8,
  IntStorage: 4,
  ShortStorage: 2,
  CharStorage: 1,
  ByteStorage: 1,
  BoolStorage: 1,
  ComplexFloatStorage: 8,
};

const u32 = (n) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
};
const latin = (text) => Buffer.from(text, 'latin1');

/** Writes pickles; where Python has several ways to write a thing, the dice choose. */
export class PickleWriter {
  constructor(dice) {
    this.dice = dice;
    this.pieces = [Buffer.from([0x80, dice.pick([2, 2, 3, 4, 5])])];
    this.puts = 0;
  }
  add(...pieces) {
    for (const piece of pieces) this.pieces.push(typeof piece === 'string' ? latin(piece) : piece);
    return this;
  }
  /** Remember what was written last, as picklers do; nothing may look it up. */
  put() {
    if (this.dice.chance(0.5)) return this;
    if (this.dice.chance(0.3)) return this.add('\x94');
    this.puts = (this.puts + 1) % 256;
    return this.add('q', Buffer.from([this.puts]));
  }
  text(text) {
    const bytes = Buffer.from(text);
    if (bytes.length < 256 && this.dice.chance(0.5))
      return this.add('\x8c', Buffer.from([bytes.length]), bytes).put();
    return this.add('X', u32(bytes.length), bytes).put();
  }
  /** Numbers, texts, nothing: fields as they should be, and as they should not. */
  value(value) {
    if (value === null) return this.add('N');
    if (typeof value === 'boolean') return this.add(value ? '\x88' : '\x89');
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number' && !Number.isInteger(value)) {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      return this.add('G', bytes);
    }
    if (value >= 0 && value < 256 && this.dice.chance(0.7)) return this.add('K', Buffer.from([value]));
    if (value >= 0 && value < 65536 && this.dice.chance(0.7)) return this.add('M', Buffer.from([value & 255, value >> 8])); // prettier-ignore
    if (value >= -(2 ** 31) && value < 2 ** 31 && this.dice.chance(0.7))
      return this.add('J', u32(Number(value) >>> 0));
    const bytes = Buffer.alloc(12);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    bytes.writeInt32LE(value < 0 ? -1 : 0, 8);
    return this.add('\x8a', Buffer.from([12]), bytes);
  }
  tuple(values) {
    if (values.length === 0 && this.dice.chance(0.7)) return this.add(')');
    const short = values.length > 0 && values.length <= 3 && this.dice.chance(0.7);
    if (!short) this.add('(');
    for (const value of values) this.value(value);
    return this.add(short ? Buffer.from([0x84 + values.length]) : 't').put();
  }
  global(module, name) {
    if (this.dice.chance(0.7)) return this.add(`c${module}\n${name}\n`).put();
    return this.text(module).text(name).add('\x93').put();
  }
  ordered() {
    return this.global('collections', 'OrderedDict').add(')R').put();
  }
  tensor({ storage, shape, strides, offset }) {
    const parameter = this.dice.chance(0.1);
    if (parameter) this.global('torch._utils', '_rebuild_parameter').add('(');
    this.global('torch._utils', '_rebuild_tensor_v2').add('((').text('storage').global('torch', storage.type);
    this.value(storage.key).text('cpu').value(storage.count).add('tQ').value(offset);
    this.tuple(shape).tuple(strides).add('\x89').ordered().add('tR').put();
    if (parameter) this.add('\x88').ordered().add('tR');
    return this;
  }
  /** Lists of lists of ..., each twice in the next: a few bytes that are as long as the universe when they are written out. */
  doubled(depth) {
    return this.add(']('.repeat(depth), ']', 'q\x00h\x00e'.repeat(depth));
  }
  end() {
    return Buffer.concat([...this.pieces, latin('.')]);
  }
}

/** A zip file of stored records: {name, data}, and of what may be wrong in one: method, crc, size, missing from the directory. */
export function zipOf(dice, records) {
  const parts = [];
  const directory = [];
  let end = 0;
  const zip64 = dice.chance(0.3);
  for (const { name, data, method = 0, crc = crc32(data), size = data.length, unlisted } of records) {
    const text = Buffer.from(name);
    const padding = dice.chance(0.5) ? dice.below(64) : 0;
    const local = Buffer.alloc(30 + text.length + padding);
    local.writeUInt32LE(0x04034b50);
    local.writeUInt16LE(45, 4);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(size, 18);
    local.writeUInt32LE(size, 22);
    local.writeUInt16LE(text.length, 26);
    local.writeUInt16LE(padding, 28);
    text.copy(local, 30);
    const entry = Buffer.alloc(46 + text.length + (zip64 ? 28 : 0));
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt16LE(45, 4);
    entry.writeUInt16LE(45, 6);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc, 16);
    [20, 24, 42].forEach((at, k) => entry.writeUInt32LE(zip64 ? 0xffffffff : [size, size, end][k], at));
    entry.writeUInt16LE(text.length, 28);
    text.copy(entry, 46);
    if (zip64) {
      entry.writeUInt16LE(28, 30);
      const extra = entry.subarray(46 + text.length);
      extra.writeUInt16LE(1);
      extra.writeUInt16LE(24, 2);
      [size, size, end].forEach((value, k) => extra.writeBigUInt64LE(BigInt(value), 4 + 8 * k));
    }
    if (!unlisted) directory.push(entry);
    parts.push(local, data);
    end += local.length + data.length;
  }
  const central = Buffer.concat(directory);
  const last = Buffer.alloc(22);
  last.writeUInt32LE(0x06054b50);
  last.writeUInt16LE(directory.length, 8);
  last.writeUInt16LE(directory.length, 10);
  last.writeUInt32LE(central.length, 12);
  last.writeUInt32LE(end, 16);
  if (!zip64) return Buffer.concat([...parts, central, last]);
  const more = Buffer.alloc(56 + 20);
  more.writeUInt32LE(0x06064b50);
  more.writeBigUInt64LE(44n, 4);
  more.writeBigUInt64LE(BigInt(directory.length), 24);
  more.writeBigUInt64LE(BigInt(directory.length), 32);
  more.writeBigUInt64LE(BigInt(central.length), 40);
  more.writeBigUInt64LE(BigInt(end), 48);
  more.writeUInt32LE(0x07064b50, 56);
  more.writeBigUInt64LE(BigInt(end + central.length), 64);
  more.writeUInt32LE(1, 72);
  last.fill(0xff, 8, 20);
  return Buffer.concat([...parts, central, more, last]);
}

/** The stored records of a zip file that is whole, in the plainest way. */
export function recordsOf(zip) {
  const end = zip.lastIndexOf(latin('PK\x05\x06'));
  const records = [];
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    const [size, name, extra, comment] = [
      zip.readUInt32LE(at + 24),
      ...[28, 30, 32].map((k) => zip.readUInt16LE(at + k)),
    ];
    const local = zip.readUInt32LE(at + 42);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    records.push({
      name: zip.toString('utf8', at + 46, at + 46 + name),
      data: zip.subarray(from, from + size),
    });
    at += 46 + name + extra + comment;
  }
  return records;
}
