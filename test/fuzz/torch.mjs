// Seeded fuzzing of the reader of PyTorch's checkpoints (how: harness.mjs): the zip file, the pickle, the tree of tensors.
//
//   node test/fuzz/torch.mjs [--seconds 60] [--seed 1] [--case N]
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fuzz } from './harness.mjs';
import { PickleWriter, recordsOf, storages, zipOf } from './torch-pickles.mjs';

const script = fileURLToPath(import.meta.url);
const { openTorch } = createRequire(import.meta.url)('../../dist/nn/torch-zip.js');

/** The case that is being read, which both its maker and its reader see. */
let now;

/**
 * How many bytes one read may allocate: the directory and the pickle, and for each tensor (`yielded`) the numbers it spans,
 * its values as stored, and up to 12 bytes a stored one on the way to float32.
 */
const allowance = (size, yielded) => 2 ** 20 + 16 * size + yielded;

/** Every tensor, beside what the description says or, of changed bytes, beside itself. */
async function values(input) {
  const { known, size, key } = now;
  if (known?.refused) {
    const source = await openTorch(input, { key });
    await source.close();
    return `read what is wrong: ${known.refused}`;
  }
  let source;
  try {
    source = await openTorch(input, { key });
  } catch (error) {
    if (known && error.name === 'InputError') return `refused what is whole: ${error.message}`;
    throw error;
  }
  try {
    const names = source.names();
    if (known && names.join('\n') !== [...known.tensors.keys()].join('\n')) return 'other names';
    let refused;
    for (const name of names) {
      const [shape, type] = [source.shapeOf(name), source.typeOf(name)];
      const count = shape.reduce((a, b) => a * b, 1);
      const wanted = known?.tensors.get(name);
      if (wanted && wanted.tensor.shape.join() !== shape.join()) return 'another shape';
      // A number that is repeated 2^24 times is read seldom: it takes a tenth of a second.
      if (count > 2 ** 18 && !now.patient) continue;
      now.yielded += size + (16 + (wanted ? 1 : 0)) * count * widths[type];
      let stored;
      try {
        stored = await source.readBytes(name);
      } catch (error) {
        if (error.name !== 'InputError' || (wanted && !wanted.damaged)) throw faultOf(error);
        refused = error;
        continue;
      }
      if (wanted?.damaged) return 'read bytes that do not have their checksum';
      if (stored.length !== count * widths[type]) return 'shape and bytes differ';
      if (wanted && Buffer.compare(stored, wanted.bytes()) !== 0) return 'other bytes';
      const flipped = now.whole?.get(name);
      if (flipped && !flipped.damaged && Buffer.compare(stored, flipped.bytes()) !== 0)
        return 'changed bytes read as whole ones';
      try {
        const read = await source.read(name);
        if (read.length !== count) return 'shape and values differ';
        const plain = new DataView(stored.buffer, stored.byteOffset);
        if (type === 'F32')
          for (let i = 0; i < count; i++)
            if (!Object.is(read[i], plain.getFloat32(4 * i, true))) return 'another value';
      } catch (error) {
        if (error.name !== 'InputError') throw error;
        refused = error;
      }
    }
    if (refused) throw refused;
    return undefined;
  } finally {
    await source.close();
  }
}

/** A refusal that is a fault, told as one. */
const faultOf = (error) =>
  error.name === 'InputError' ? new Error(`refused what is whole: ${error.message}`) : error;

const types = { DoubleStorage: 'F64', FloatStorage: 'F32', HalfStorage: 'F16', BFloat16Storage: 'BF16', LongStorage: 'I64', IntStorage: 'I32', ShortStorage: 'I16', CharStorage: 'I8', ByteStorage: 'U8', BoolStorage: 'BOOL', ComplexFloatStorage: 'C64' }; // prettier-ignore
const widths = Object.fromEntries(Object.entries(types).map(([storage, type]) => [type, storages[storage]]));

const oddValues = [-1, 0, 1, 2, 3, 1.5, null, true, '1', 255, 256, 65536, 2 ** 24, 2 ** 31, 2 ** 40, 2 ** 53, -(2n ** 63n)]; // prettier-ignore
const oddNames = ['w', 'a.b', '', '__proto__', 'constructor', 'toString', '\u0000', '\ud83d\ude00', '0'];

/** Storages and tensors in them, most as they should be. */
function described(dice) {
  const all = Array.from({ length: 1 + dice.below(3) }, (_, k) => {
    const type = dice.chance(0.4) ? 'FloatStorage' : dice.pick(Object.keys(storages));
    const count = dice.below(20);
    return { type, key: String(k), count, data: dice.bytes(count * storages[type]) };
  });
  const tensors = new Map();
  for (let n = dice.below(5); n >= 0; n--) {
    const storage = dice.pick(all);
    const shape = [];
    let room = storage.count;
    for (let axis = dice.below(4); axis > 0; axis--) {
      shape.unshift(1 + dice.below(Math.max(1, Math.min(5, room))));
      room = Math.floor(room / shape[0]);
    }
    if (storage.count === 0) shape.push(0);
    const count = shape.reduce((a, b) => a * b, 1);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    if (dice.chance(0.3)) {
      const order = shape.map((_, axis) => axis).sort(() => dice.below(3) - 1);
      [shape, strides].forEach((list) => list.splice(0, list.length, ...order.map((axis) => list[axis])));
    }
    const offset = dice.chance(0.5) ? 0 : dice.below(storage.count - count + 1);
    tensors.set(dice.chance(0.1) ? dice.pick(oddNames) : `layer.${n}`, {
      storage: { ...storage },
      shape,
      strides,
      offset,
    });
  }
  return { storages: all, tensors };
}

/** One field of one tensor as it should not be, or as it might be all the same. */
function disturbed(dice, { tensors }) {
  const tensor = dice.pick([...tensors.values()]);
  const at = (list) => dice.below(list.length + 1);
  dice.pick([
    () => (tensor.shape[at(tensor.shape)] = dice.pick(oddValues)),
    () => (tensor.strides[at(tensor.strides)] = dice.pick(oddValues)),
    () => (tensor.offset = dice.pick(oddValues)),
    () => (tensor.storage.count = dice.pick(oddValues)),
    () => (tensor.storage.key = dice.pick(['7', '', '../0', 0, null])),
    () => (tensor.storage.type = dice.pick([...Object.keys(storages), 'QInt8Storage'])),
    () => (tensor.strides = tensor.strides.map(() => 0)),
    () => ((tensor.shape = [dice.pick([2 ** 24, 2 ** 24 + 1, 2 ** 30])]), (tensor.strides = [0])),
    () => tensor.shape.push(1),
    () => ((tensor.shape = [0, ...tensor.shape]), (tensor.strides = [1, ...tensor.strides])),
  ])();
}

const isLength = (n) => Number.isSafeInteger(n) && n >= 0;

/** Whether a tensor is told rightly, and lies within a record that is as long as its storage: said a second time, plainly. */
function isRight({ storage, shape, strides, offset }, records) {
  const { type, key, count } = storage;
  if (!(type in storages) || typeof key !== 'string' || !isLength(count) || !isLength(offset)) return false;
  if (![...shape, ...strides].every(isLength) || shape.length !== strides.length) return false;
  const record = records.find(({ name }) => name === `data/${key}`);
  if (!record || record.data.length !== count * storages[type]) return false;
  if (shape.includes(0)) return offset <= count;
  const size = shape.reduce((product, length) => product * BigInt(length), 1n);
  if (size >= 2n ** 53n || (size > count && size > 2 ** 24)) return false;
  return (
    shape.reduce((last, length, axis) => last + BigInt(length - 1) * BigInt(strides[axis]), BigInt(offset)) <
    count
  );
}

/** The values in row order, as stored: index by index. */
function plainly({ storage, shape, strides, offset }) {
  const width = storages[storage.type];
  const out = Buffer.alloc(shape.reduce((a, b) => a * b, width));
  let end = 0;
  const walk = (axis, at) => {
    if (axis === shape.length) end += storage.data.copy(out, end, at * width, (at + 1) * width);
    else for (let k = 0; k < shape[axis]; k++) walk(axis + 1, at + k * strides[axis]);
  };
  if (out.length > 0) walk(0, offset);
  return out;
}

/** How many numbers of its storage a tensor that is right spans, from its first to its last. */
const spanOf = ({ shape, strides }) =>
  shape.includes(0) ? 0 : shape.reduce((last, length, axis) => last + (length - 1) * strides[axis], 1);

/** Whether a tensor that is right needs all of its record. */
const isWhole = (tensor) => tensor.offset === 0 && spanOf(tensor) === tensor.storage.count;

/** The pickle of a description: its dictionary outermost or inside others, with things beside the tensors. */
function pickleOf(dice, { tensors }, place) {
  const writer = new PickleWriter(dice);
  const deeper = place === '' ? [] : place.split('.');
  const open = () => (dice.chance(0.5) ? writer.add('}').put() : writer.ordered());
  const beside = () => {
    dice.pick([
      () => writer.text('epoch').value(dice.pick(oddValues)),
      () => writer.text('args').tuple([1, 'a', null]),
      () => writer.value(7).text('seven'),
      () => writer.text('lists').doubled(dice.below(60)),
      () => writer.doubled(dice.below(60)).add('N'),
      () => writer.text('t').add(']').value(3).add('a'),
    ])();
    writer.add('s');
  };
  open();
  for (const name of deeper) {
    if (dice.chance(0.3)) beside();
    writer.text(name);
    open();
  }
  const atOnce = dice.chance(0.5);
  if (atOnce) writer.add('(');
  for (const [name, tensor] of tensors) {
    writer.text(name).tensor(tensor);
    if (!atOnce) writer.add('s');
  }
  if (atOnce) writer.add('u');
  if (dice.chance(0.3)) beside();
  if (dice.chance(0.2)) writer.add('}').text('_metadata').add('}sb');
  for (let n = deeper.length; n > 0; n--) writer.add('s');
  return writer.end();
}

/** A file whose whole truth is known: which tensors it has, or why it is refused. */
function made(dice) {
  const model = described(dice);
  for (let n = dice.chance(0.5) ? dice.below(3) : 0; n > 0; n--) disturbed(dice, model);
  const place = dice.pick(['', '', 'model', 'a.b']);
  const records = model.storages.map(({ key, data }) => ({ name: `data/${key}`, data }));
  const refuse = [];
  const order = dice.chance(0.05) ? 'big' : 'little';
  if (order === 'big') refuse.push('big-endian');
  const pickle = { name: 'data.pkl', data: pickleOf(dice, model, place) };
  records.unshift(
    pickle,
    ...(order === 'big' || dice.chance(0.7) ? [{ name: 'byteorder', data: Buffer.from(order) }] : []),
  );
  if (![...model.tensors.values()].every((tensor) => isRight(tensor, records))) refuse.push('a tensor');
  const damaged = new Set();
  if (dice.chance(0.2)) {
    const record = dice.pick(records);
    const used =
      record === pickle ||
      [...model.tensors.values()].some(({ storage }) => record.name === `data/${storage.key}`);
    dice.pick([
      () => ((record.unlisted = true), used && refuse.push('no record')),
      () => ((record.method = 8), (used || record.name === 'byteorder') && refuse.push('compressed')),
      () => (records.push(record), refuse.push('a record twice')),
      () => {
        record.crc = 1 + dice.below(2 ** 31);
        damaged.add(record.name);
        if (record === pickle || record.name === 'byteorder') refuse.push('a checksum');
      },
    ])();
  } else if (dice.chance(0.2)) for (const record of records) record.crc = 0;
  // A big-endian file that does not say so is read as any other.
  const said = records.some(({ name, unlisted }) => name === 'byteorder' && !unlisted);
  if (!said && refuse.includes('big-endian')) refuse.splice(refuse.indexOf('big-endian'), 1);
  const tensors = new Map(
    [...model.tensors].map(([name, tensor]) => {
      const whole = refuse.length === 0 && isWhole(tensor);
      const key = `data/${tensor.storage.key}`;
      return [name, { tensor, damaged: whole && damaged.has(key), bytes: () => plainly(tensor) }];
    }),
  );
  const folder = dice.pick(['archive', 'sam', 'a b']);
  const bytes = zipOf(
    dice,
    records.map((record) => ({ ...record, name: `${folder}/${record.name}` })),
  );
  return {
    bytes,
    key: dice.chance(0.2) ? place || undefined : undefined,
    known: { refused: refuse.length > 0 ? refuse.join(', ') : undefined, tensors },
    sure: refuse.length === 0 && records.every(({ crc }) => crc === undefined),
  };
}

const opcodes = [...'(NKMJGX)]}aesuqrhjcRbQ.t', '\x80', '\x85', '\x86', '\x87', '\x88', '\x89', '\x8a', '\x8c', '\x93', '\x94', '\x95']; // prettier-ignore

/** One change to the bytes of a file or of a pickle. */
function changed(dice, bytes, others) {
  const copy = Buffer.from(bytes);
  const cut = () => dice.below(copy.length + 1);
  switch (dice.below(7)) {
    case 0:
    case 1:
      for (let n = dice.below(8); n >= 0 && copy.length > 0; n--)
        copy[dice.below(copy.length)] = dice.below(256);
      return copy;
    case 2:
      if (copy.length > 0) copy[dice.below(copy.length)] = dice.pick(opcodes).charCodeAt(0);
      return copy;
    case 3:
      return copy.subarray(0, cut());
    case 4: {
      const from = cut();
      const to = Math.min(copy.length, from + dice.below(60));
      const twice = dice.chance(0.5);
      return Buffer.concat([copy.subarray(0, twice ? to : from), copy.subarray(twice ? from : to)]);
    }
    case 5: {
      const other = dice.pick(others);
      return Buffer.concat([copy.subarray(0, cut()), other.subarray(dice.below(other.length + 1))]);
    }
    default: {
      // A field of two, four or eight bytes with a number at the edge of what it holds.
      const width = dice.pick([2, 4, 8]);
      if (copy.length < width) return copy;
      const number = dice.pick([0n, 1n, 2n ** 15n, 2n ** 16n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]); // prettier-ignore
      const field = Buffer.alloc(8);
      field.writeBigUInt64LE(number);
      field.copy(copy, dice.below(copy.length - width + 1), 0, width);
      return copy;
    }
  }
}

/** Small pickles that ask for much: what is long when it is written out, deep, or many times the same. */
function greedy(dice) {
  const writer = new PickleWriter(dice);
  dice.pick([
    () => writer.doubled(dice.below(80)).doubled(dice.below(80)).add('\x93'),
    () =>
      writer
        .add('}')
        .doubled(20 + dice.below(60))
        .add('Ns'),
    () => {
      // Many dictionaries of tensors under one long name.
      writer
        .add('}')
        .text('x'.repeat(dice.below(300_000)))
        .add('r\x00\x01\x00\x00');
      writer.add('0'.repeat(dice.below(2)));
      const tensor = {
        storage: { type: 'FloatStorage', key: '0', count: 1 },
        shape: [1],
        strides: [1],
        offset: 0,
      };
      writer.add('}').text('w').tensor(tensor).add('ss');
      for (let k = dice.below(2000); k > 0; k--)
        writer.value(String(k)).add('}j\x00\x01\x00\x00}').text('w').tensor(tensor).add('sss');
    },
    () =>
      writer
        .add('}')
        .text('a')
        .add('('.repeat(dice.below(30_000))),
    () => writer.add('}'.repeat(dice.below(30_000))),
    () =>
      writer
        .add('}')
        .text('a')
        .add(']'.repeat(1 + dice.below(3000)), 'a'.repeat(dice.below(3000)), 's'),
    () => writer.add('}q\x00').text('me').add('h\x00s'),
    () => writer.add('}').text('a').add('\x8a\xff', dice.bytes(255), 's'),
    () =>
      writer
        .add('}')
        .text('a')
        .add(')'.repeat(dice.below(2 ** 20))),
  ])();
  return writer.end();
}

const oracle = JSON.parse(
  readFileSync(path.join(path.dirname(script), '..', 'oracles', 'tensors.json'), 'utf8'),
);
const seeds = oracle.checkpoints.map(({ file }) => Buffer.from(file, 'base64'));
const pickles = seeds.map((seed) => recordsOf(seed).find(({ name }) => name.endsWith('/data.pkl')).data);

/** A file of PyTorch's, or one made here, with changes in its pickle (its checksum is right again) or anywhere. */
function broken(dice) {
  const whole = dice.chance(0.5) ? made(dice) : undefined;
  let bytes = whole?.bytes ?? dice.pick(seeds);
  const kind = dice.below(3);
  if (kind === 0) {
    // Flips alone: where there are checksums, no other values come through. A tensor may go by another name then.
    const copy = Buffer.from(bytes);
    for (let n = dice.below(3); n >= 0; n--) copy[dice.below(copy.length)] ^= 1 << dice.below(8);
    return { bytes: copy, from: 'flipped', whole: whole?.sure ? onlyWhole(whole.known.tensors) : undefined };
  }
  if (kind === 1) {
    for (let n = dice.below(3); n >= 0; n--) bytes = changed(dice, bytes, seeds);
    return { bytes, from: 'changed' };
  }
  const zip64 = bytes.readUInt32LE(bytes.length - 6) === 0xffffffff;
  const records = recordsOf(zip64 ? seeds[0] : bytes);
  const pickle = records.find(({ name }) => name.endsWith('/data.pkl'));
  if (!pickle) return { bytes, from: 'changed' };
  if (dice.chance(0.1)) pickle.data = greedy(dice);
  else for (let n = dice.below(4); n >= 0; n--) pickle.data = changed(dice, pickle.data, pickles);
  return { bytes: zipOf(dice, records), from: 'pickle' };
}

/** Tensors that are all of their record, which has a checksum. */
const onlyWhole = (tensors) =>
  new Map(
    [...tensors].filter(([, { tensor }]) => tensor.offset === 0 && spanOf(tensor) === tensor.storage.count),
  );

await fuzz({
  script,
  allowance,
  reads: () => [values],
  makeCase(dice) {
    const one = dice.chance(0.4) ? { ...made(dice), whole: undefined, from: 'made' } : broken(dice);
    now = { ...one, size: one.bytes.length, yielded: 0, patient: dice.chance(0.01) };
    return {
      from: now.from,
      size: now.size,
      yielded: () => now.yielded,
      place(folder) {
        const file = path.join(folder, 'case.pth');
        writeFileSync(file, now.bytes);
        return file;
      },
    };
  },
});
