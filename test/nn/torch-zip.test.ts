// Checkpoints of PyTorch: against torch.save (test/oracles/tensors.py), files that would run code, damaged and large ones.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors';
import { openSafetensors } from '../../src/nn/safetensors';
import { openTorch } from '../../src/nn/torch-zip';
import { describeWith, python } from '../setup/peers';
import type { Record } from './made-zip';
import { writeZip } from './made-zip';
import { cases, numbersOf, scratch } from './tensor-cases';

const place = scratch();
const checkpoint = (name: string): string =>
  place('case.pth', Buffer.from(cases.checkpoints.find((c) => c.name === name)!.file, 'base64'));

/** A step of a pickle with a text. */
const text = (value: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return Buffer.concat([Buffer.from('X'), length, Buffer.from(value)]);
};
/** Pieces of a pickle; strings are its opcodes. */
const pickle = (...pieces: (string | Uint8Array)[]): Buffer =>
  Buffer.concat([
    Buffer.from([0x80, 2]),
    ...pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)),
  ]);
const number = (value: number): string => {
  const bytes = Buffer.alloc(11);
  bytes[0] = 0x8a;
  bytes[1] = 9;
  bytes.writeBigUInt64LE(BigInt(value), 2);
  return bytes.toString('latin1');
};
/** A tensor in a pickle, as torch.save tells it. */
const tensor = (key: string, count: number, shape: number[], strides: number[], offset = 0): Buffer =>
  pickle(
    'ctorch._utils\n_rebuild_tensor_v2\n((',
    text('storage'),
    'ctorch\nFloatStorage\n',
    text(key),
    text('cpu'),
    `${number(count)}tQ${number(offset)}`,
    `(${shape.map(number).join('')}t(${strides.map(number).join('')}t\x89ccollections\nOrderedDict\n)RtR`,
  ).subarray(2);
const made = (data: Uint8Array, records: Record[] = []): string => {
  const file = place('made.pth');
  writeZip(file, [
    { name: 'archive/data.pkl', data },
    ...records.map((r) => ({ ...r, name: `archive/${r.name}` })),
  ]);
  return file;
};
const floats = (...values: number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);

describe('reading', () => {
  it.each(cases.checkpoints)('$name: as PyTorch reads it', async ({ file, key, tensors }) => {
    const source = await openTorch(place('case.pth', Buffer.from(file, 'base64')), { key: key ?? undefined });
    expect(source.names()).toEqual(tensors.map(({ name }) => name));
    for (const { name, type, shape, values } of tensors) {
      expect(source.shapeOf(name), name).toEqual(shape);
      expect(source.typeOf(name), name).toBe(type);
      expect(await source.read(name), name).toEqual(numbersOf(values));
    }
    await source.close();
  });

  it('says what it leaves out, and where the tensors stand', async () => {
    const source = await openTorch(checkpoint('nested'));
    expect(source.key).toBe('model');
    expect(source.leftOut).toEqual(['epoch (number)', 'best (number)', 'note (text)', 'done (a list)']);
    await source.close();
  });

  it('leaves out what stands under no text, however long it would be written out', async () => {
    const lists = `${']('.repeat(60)}]${'q\x00h\x00e'.repeat(60)}`;
    const file = made(pickle('}(', text('w'), tensor('0', 1, [1], [1]), `${lists}N`, 'u.'), [
      { name: 'data/0', data: floats(1) },
    ]);
    const source = await openTorch(file);
    expect(source.leftOut).toEqual(['(no text) (None)']);
    await source.close();
  });

  it('asks for a key where several dictionaries have tensors', async () => {
    const file = checkpoint('two inside');
    await expect(openTorch(file)).rejects.toThrow(/dictionaries of tensors at model, ema, expected one/);
    await expect(openTorch(file, { key: 'no.where' })).rejects.toThrow(
      /no tensors at the key no.where, expected one of model, ema/,
    );
  });

  it('reads one tensor at the end of a file above 4 GiB, and nothing before it', async () => {
    const far = 5 * 2 ** 30;
    const big = 2 ** 32;
    const dictionary = pickle(
      '}(',
      text('big'),
      tensor('0', big / 4, [big / 4], [1]),
      text('last'),
      tensor('1', 2, [2], [1]),
      'u.',
    );
    const file = made(dictionary, [
      { name: 'data/0', data: new Uint8Array(0), size: big, at: 4096 },
      { name: 'data/1', data: floats(3, 4), at: far },
    ]);
    const before = process.memoryUsage();
    const source = await openTorch(file);
    expect(await source.read('last')).toEqual(new Float32Array([3, 4]));
    expect(process.memoryUsage().external - before.external).toBeLessThan(16e6);
    await source.close();
  });
});

describe('refused, with nothing run', () => {
  const one = (body: Uint8Array): Buffer => pickle('}', text('w'), body, 's.');
  const value = { name: 'data/0', data: floats(1, 2) };
  it.each<[string, () => string, RegExp]>([
    [
      'a call of the system',
      () => made(pickle('cos\nsystem\n', text(`touch ${place('ran')}`), '\x85R.')),
      /given os.system in its pickle/,
    ],
    [
      'a call by two texts',
      () => made(pickle('\x8c\x08builtins\x8c\x04eval\x93.')),
      /given builtins.eval in its pickle/,
    ],
    [
      'arguments of a program',
      () => made(pickle('}', text('args'), 'cargparse\nNamespace\n)R', 's.')),
      /given argparse.Namespace/,
    ],
    ['a whole module', () => made(pickle('c__main__\nNet\n)\x81.')), /given __main__.Net/],
    [
      'a name of every object',
      () => made(pickle('c__proto__\nconstructor\n.')),
      /given __proto__.constructor/,
    ],
    ['an instance made at once', () => made(pickle('(ios\nsystem\n.')), /the step 0x69/],
    [
      'a call of a storage',
      () => made(pickle('ctorch\nFloatStorage\n)R.')),
      /breaks off or contradicts itself/,
    ],
    ['attributes of a list', () => made(pickle(']}b.')), /contradicts itself/],
    ['lists in the place of names', () => made(pickle('](]h\x00e](]e\x93.')), /contradicts itself/],
    [
      'thousands of dictionaries that share one long name',
      () => {
        // Written out, their paths are longer than a text can be.
        const long = Buffer.concat([text('x'.repeat(300_000)), Buffer.from('q\x01')]);
        const inner = tensor('0', 2, [2], [1]);
        const dictionaries = Array.from({ length: 2000 }, (_, k) => [
          text(String(k)),
          Buffer.from('}'),
          k === 0 ? long : Buffer.from('h\x01'),
          Buffer.concat([Buffer.from('}'), text('w'), inner, Buffer.from('ss')]),
        ]);
        return made(pickle('}(', ...dictionaries.flat(), 'u.'), [value]);
      },
      /dictionaries of tensors at 0.x+, 1.x+, .*, \.\.\., expected one/,
    ],
    ['a list', () => made(pickle('].')), /given a list, expected a dictionary of tensors/],
    ['no tensor', () => made(pickle('}.')), /no tensors under names/],
    ['an empty pickle', () => made(new Uint8Array(0)), /breaks off/],
    ['a text beyond the end', () => made(pickle('X\xff\xff\xff\xff')), /breaks off/],
    ['an unknown memory', () => made(pickle('h\x07.')), /contradicts itself/],
    ['steps without end', () => made(pickle('N'.repeat(3e6))), /more than 2097152 steps/],
    [
      'a tensor beyond its storage',
      () => made(one(tensor('0', 2, [3], [1])), [value]),
      /\[3\] that reaches beyond its 2 numbers/,
    ],
    ['an offset beyond it', () => made(one(tensor('0', 2, [1], [1], 2)), [value]), /reaches beyond/],
    ['fewer strides than lengths', () => made(one(tensor('0', 2, [1, 1], [1])), [value]), /reaches beyond/],
    [
      'a shape too large',
      () => made(one(tensor('0', 2, [2 ** 40, 2 ** 40], [0, 0])), [value]),
      /is not told as PyTorch does/,
    ],
    [
      'one number repeated for ever',
      () => made(one(tensor('0', 2, [2 ** 40], [0])), [value]),
      /\[1099511627776\] from 2 numbers/,
    ],
    [
      'a storage that is not there',
      () => made(one(tensor('7', 2, [2], [1])), [value]),
      /the tensor w in no bytes, expected 8 of data\/7/,
    ],
    [
      'a storage of another size',
      () => made(one(tensor('0', 3, [3], [1])), [value]),
      /the tensor w in 8 bytes, expected 12/,
    ],
    [
      'a compressed record',
      () => made(one(tensor('0', 2, [2], [1])), [{ ...value, method: 8 }]),
      /data\/0 compressed/,
    ],
    [
      'big-endian numbers',
      () => made(one(tensor('0', 2, [2], [1])), [value, { name: 'byteorder', data: Buffer.from('big') }]),
      /big-endian/,
    ],
    ['a bare pickle', () => place('made.pth', pickle('}.')), /PyTorch's form before version 1.6/],
    ['another file', () => place('made.pth', 'hello'), /no zip file/],
    ['an empty file', () => place('made.pth', ''), /no zip file/],
    [
      'a zip file of other things',
      () => {
        writeZip(place('made.pth'), [{ name: 'a/b', data: new Uint8Array(1) }]);
        return place('made.pth');
      },
      /0 records data.pkl/,
    ],
  ])('%s', async (_, make, message) => {
    const error = await openTorch(make()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
    expect(existsSync(place('ran'))).toBe(false);
  });

  it('a directory said to stand beyond 2^53', async () => {
    const whole = readFileSync(made(one(tensor('0', 2, [2], [1])), [value]));
    whole.writeBigUInt64LE(2n ** 63n, whole.length - 22 - 20 + 8);
    await expect(openTorch(place('far.pth', whole))).rejects.toThrow(/unexpected EOF/);
  });

  it('a checkpoint that is cut short anywhere', async () => {
    const whole = readFileSync(checkpoint('state dict'));
    for (let length = 0; length < whole.length; length += 97) {
      const error = await openTorch(place('cut.pth', whole.subarray(0, length))).catch(
        (caught: unknown) => caught,
      );
      expect(error, `${length} bytes`).toBeInstanceOf(InputError);
    }
  });

  describe('a byte that is not as it was written', () => {
    /** A file whose record holds these bytes once; one of them is flipped. */
    const flipped = (bytes: Uint8Array, crc?: number): string => {
      const dictionary = pickle(
        '}(',
        text('w'),
        tensor('0', 2, [2], [1]),
        text('part'),
        tensor('0', 2, [1], [1]),
        'u.',
      );
      const whole = readFileSync(made(dictionary, [{ ...value, data: floats(1.25, 2.5), crc }]));
      whole[whole.indexOf(bytes)] ^= 1;
      return place('flipped.pth', whole);
    };
    it('in the pickle is found when the file is opened', async () => {
      await expect(openTorch(flipped(text('part')))).rejects.toThrow(
        /given the record data.pkl, whose bytes do not have its checksum, expected a whole zip file/,
      );
    });

    it('in a tensor is found when all of its record is read, and cannot be when a part of it is', async () => {
      const source = await openTorch(flipped(floats(2.5)));
      await expect(source.read('w')).rejects.toThrow(
        /the record data\/0, whose bytes do not have its checksum/,
      );
      await expect(source.readBytes('w')).rejects.toThrow(InputError);
      expect(await source.read('part')).toEqual(Float32Array.of(1.25));
      await source.close();
    });

    it('cannot be found in a file that was saved without checksums', async () => {
      const source = await openTorch(flipped(floats(2.5), 0));
      expect((await source.read('w'))[0]).toBe(1.25);
      expect((await source.read('w'))[1]).not.toBe(2.5);
      await source.close();
    });
  });

  it('a record that claims more than the file has', async () => {
    const source = await openTorch(
      made(one(tensor('0', 2 ** 38, [2 ** 38], [1])), [{ ...value, size: 2 ** 40 }]),
    );
    await expect(source.read('w')).rejects.toThrow(/the record data\/0: file data overflows file bounds/);
    await source.close();
  });
});

describe('coc weights convert', () => {
  const coc = (...args: string[]) =>
    spawnSync(process.execPath, ['src/cli/coc.cjs', 'weights', 'convert', ...args], { encoding: 'utf8' });

  it('writes every tensor as it is and lists it', async () => {
    const out = place('out.safetensors');
    const { stdout, status } = coc(checkpoint('types'), out);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^halves +F16 +\[11\]$/m);
    expect(stdout).toMatch(/^wrote .*: 13 tensors, 41 values, 131 B$/m);
    const source = await openSafetensors(out);
    for (const { name, type, values } of cases.checkpoints.find((c) => c.name === 'types')!.tensors) {
      expect(source.typeOf(name)).toBe(type);
      expect(await source.read(name)).toEqual(numbersOf(values));
    }
    await source.close();
  });

  it('says as JSON what it wrote, from which key, and what it left out', () => {
    const { stdout } = coc(checkpoint('nested'), place('out.safetensors'), '--json');
    const told = JSON.parse(stdout) as { key: string; leftOut: string[]; tensors: unknown[] };
    expect(told.key).toBe('model');
    expect(told.leftOut).toContain('epoch (number)');
    expect(told.tensors[0]).toEqual({ name: '0.weight', type: 'F32', shape: [2, 3] });
  });

  it('refuses code, another suffix and a missing file, and writes nothing', () => {
    const out = place('none.safetensors');
    const bad = made(pickle('cos\nsystem\n)R.'));
    expect(coc(bad, out).stderr).toMatch(/^cannot read .*: given os.system in its pickle/);
    expect(coc(bad, place('x.npz')).stderr).toMatch(/expected .safetensors/);
    expect(coc(place('not-there.pth'), out).stderr).toMatch(/ENOENT/);
    expect(existsSync(out)).toBe(false);
  });
});

describeWith(['torch', 'safetensors'], 'PyTorch itself', () => {
  it('saves without checksums what is read all the same', async () => {
    const script = `
import sys, torch
torch.serialization.set_crc32_options(False)
torch.save({'w': torch.arange(5.)}, sys.argv[1])`;
    const { status, stderr } = spawnSync(python, ['-c', script, place('without.pth')], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const source = await openTorch(place('without.pth'));
    expect(await source.read('w')).toEqual(Float32Array.of(0, 1, 2, 3, 4));
    await source.close();
  });

  it('loads from what is converted the tensors that it saved', () => {
    const script = `
import subprocess, sys, torch
from safetensors.torch import load_file
torch.manual_seed(1)
state = torch.nn.TransformerEncoderLayer(8, 2, 16).state_dict()
state['turned'] = torch.randn(3, 4, 5).permute(1, 2, 0)[::2]
state['half'] = torch.randn(7).half()
torch.save({'state_dict': state, 'epoch': 1}, sys.argv[1])
subprocess.run([sys.argv[3], 'src/cli/coc.cjs', 'weights', 'convert', sys.argv[1], sys.argv[2]], check=True, stdout=subprocess.DEVNULL)
found = load_file(sys.argv[2])
assert found.keys() == state.keys()
for name, tensor in state.items():
    assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name
print('equal', len(found))`;
    writeFileSync(place('peer.py'), script);
    const args = [place('peer.py'), place('peer.pth'), place('peer.safetensors'), process.execPath];
    const { stdout, stderr } = spawnSync(python, args, { encoding: 'utf8' });
    expect(stdout, stderr).toBe('equal 14\n');
  });
});
