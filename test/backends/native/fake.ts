// A machine made of small files: wheels, npm packages, a pip and a compiler that do as they are told. What is real is
// everything of ours.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Host } from '../../../src/backends/native/host';
import type { Form, Wheel } from '../../../src/backends/native/recipe';
import { packageOf } from '../../../src/backends/native/recipe';
import { sha256 } from '../../../src/base/hash';

export interface Machine {
  host: Host;
  /** Everything of this test. */
  scratch: string;
  /** Where the fake pip takes wheels from. */
  wheels: string;
  /** What pip and the compiler were asked, a line each. */
  calls: (program: 'pip' | 'g++') => string[];
  /** Put a program into PATH, as a shell script; no body takes it away. */
  program: (name: string, body?: string) => void;
  /** What the compiled binding will do: `right`, `wrong product`, `wrong gradient`, `crash`, `other version`. */
  binding: (kind: string) => void;
}

/** A zip file with the names and contents of its members, deflated. */
export function zip(members: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(members)) {
    const packed = deflateRawSync(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((0o100755 << 16) >>> 0, 6);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, rest, Buffer.from(name));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const count = Object.keys(members).length;
  const end = Buffer.alloc(18);
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end]);
}

/** Noise that does not pack, the same every time. */
export function noise(bytes: number, seed: number): Buffer {
  const data = Buffer.alloc(bytes);
  let state = seed;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return data;
}

function tensorflowWheel(project: string, file: string, seed: number): { wheel: Wheel; content: Buffer } {
  const kept = {
    'tensorflow/libtensorflow_cc.so.2': noise(300_000, seed),
    'tensorflow/libtensorflow_framework.so.2': noise(50_000, seed + 1),
    'tensorflow/include/tensorflow/c/c_api.h': Buffer.from('// a header\n'),
  };
  const info = `${project.replaceAll('-', '_')}-9.9.9.dist-info`;
  const content = zip({
    ...kept,
    'tensorflow/python/__init__.py': Buffer.from('# not kept\n'),
    // What pip itself looks at.
    [`${info}/METADATA`]: Buffer.from(`Metadata-Version: 2.1\nName: ${project}\nVersion: 9.9.9\n`),
    [`${info}/WHEEL`]: Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: false\n'),
    [`${info}/RECORD`]: Buffer.from(''),
  });
  return { wheel: described(project, file, content, kept), content };
}

function described(project: string, file: string, content: Buffer, kept: Record<string, Buffer>): Wheel {
  const keptBytes = Object.values(kept).reduce((sum, data) => sum + data.length, 0);
  return { project, version: '9.9.9', file, bytes: content.length, sha256: sha256(content), keptBytes };
}

/** A stand-in for the package: it computes what the file in the place of its binding says. */
const packageMain = `
const fs = require('node:fs');
const path = require('node:path');
const kind = fs.readFileSync(require('@mapbox/node-pre-gyp').find(path.join(__dirname, 'package.json')), 'utf8').trim();
if (kind === 'crash') {
  console.error('Error: libfoo.so.1: cannot open shared object file');
  process.exit(1);
}
if (kind === 'end') process.kill(process.pid, 'SIGKILL');
const numbers = (values) => ({ dataSync: () => Float32Array.from(values) });
module.exports = {
  tensor2d: numbers,
  matMul: () => numbers(kind === 'wrong product' ? [19, 22, 43, 51] : [19, 22, 43, 50]),
  grad: () => () => numbers(kind === 'wrong gradient' ? [454, 618, 1030, 0] : [454, 618, 1030, 1402]),
  sum: () => {}, square: () => {},
  backend: () => ({
    isUsingGpuDevice: kind === 'card',
    binding: { TF_Version: kind === 'other version' ? '1.2.3' : '9.9.9' },
  }),
};
`;

/** What `pip download --dest DIR project==version` does: copies the wheel, or what FAKE_PIP says. */
export const pipBody = `
echo "$@" >> "$FAKE/pip.log"
[ "$1" = --version ] && exit 0
while [ "$1" != --dest ]; do shift; done
case "$FAKE_PIP" in
  none) echo "ERROR: Could not find a version that satisfies the requirement $3" >&2; exit 1;;
  cut) echo "ERROR: Connection broken: IncompleteRead(100 bytes read, 900 more expected)" >&2; exit 1;;
  full) echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device" >&2; exit 1;;
  slow) : > "$2/growing"; /bin/sleep 60;;
esac
/bin/cp "$FAKE/wheels/"$(echo "$3" | /usr/bin/tr - _ | /bin/sed 's/==/-/')-* "$2"
`;

export const compilerBody = `
echo "$@" >> "$FAKE/g++.log"
[ "$1" = --version ] && exit 0
[ "$FAKE_GXX" = error ] && { echo "x.cc:1:10: fatal error: filesystem: No such file or directory" >&2; exit 1; }
while [ "$1" != -o ]; do shift; done
echo "$FAKE_BINDING" > "$2"
`;

/** A machine on which everything works, for each test; PATH holds nothing but its programs. */
export function fakeMachine(): Machine {
  const machine = {} as Machine;
  beforeEach(() => {
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'coc native, test '));
    const bin = path.join(scratch, 'bin');
    const wheels = path.join(scratch, 'wheels');
    for (const dir of [bin, wheels]) mkdirSync(dir);
    const save = ({ wheel, content }: { wheel: Wheel; content: Buffer }): Wheel => {
      writeFileSync(path.join(wheels, wheel.file), content);
      return wheel;
    };
    const tag = 'cp312-cp312-manylinux_2_27_x86_64.whl';
    const cublas = { 'nvidia/cublas/lib/libcublas.so.12': noise(20_000, 9) };
    const cublasZip = zip({ ...cublas, 'nvidia/cublas/include/cublas.h': Buffer.from('// no\n') });
    const cublasFile = 'nvidia_cublas_cu12-9.9.9-py3-none-manylinux_2_27_x86_64.whl';
    const packages = Object.fromEntries(
      (['cpu', 'gpu'] as const).map((form) => [form, fakePackage(path.join(scratch, packageOf[form]), form)]),
    ) as Record<Form, string>;
    const program = (name: string, body?: string): void => {
      const file = path.join(bin, name);
      if (body === undefined) return rmSync(file, { force: true });
      writeFileSync(file, `#!/bin/sh\n${body}`);
      chmodSync(file, 0o755);
    };
    program('pip3', pipBody);
    program('g++', compilerBody);
    for (const [name, value] of Object.entries({
      PATH: bin,
      FAKE: scratch,
      FAKE_BINDING: 'right',
      FAKE_PIP: '',
      FAKE_GXX: '',
    }))
      vi.stubEnv(name, value);
    for (const name of ['COC_PYTHON', 'CXX', 'COC_NATIVE_FORM']) vi.stubEnv(name, undefined);
    Object.assign(machine, {
      scratch,
      wheels,
      program,
      binding: (kind: string) => void vi.stubEnv('FAKE_BINDING', kind),
      calls: (name: string) => {
        const file = path.join(scratch, `${name}.log`);
        return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
      },
      host: {
        platform: 'linux',
        arch: 'x64',
        glibc: () => '2.36',
        freeBytes: () => 1e9,
        cards: () => Promise.resolve([]),
        hasDriver: () => false,
        packageDir: (form) => packages[form],
        home: path.join(scratch, 'cache', 'native'),
        recipe: {
          version: '9.9.9',
          wheels: {
            cpu: save(tensorflowWheel('tensorflow-cpu', `tensorflow_cpu-9.9.9-${tag}`, 1)),
            gpu: save(tensorflowWheel('tensorflow', `tensorflow-9.9.9-${tag}`, 5)),
          },
          cuda: [
            save({
              wheel: described('nvidia-cublas-cu12', cublasFile, cublasZip, cublas),
              content: cublasZip,
            }),
          ],
        },
      } satisfies Host,
    } satisfies Machine);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(machine.scratch, { recursive: true, force: true });
  });
  return machine;
}

function fakePackage(dir: string, form: Form): string {
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  };
  write('package.json', JSON.stringify({ name: packageOf[form], version: '4.22.0', main: 'index.js' }));
  write('index.js', packageMain);
  write('binding/tfjs_backend.cc', '// one\n');
  write('binding/tfjs_binding.cc', '// two\n');
  write(
    'scripts/install.js',
    "console.log('Downloading'); throw new Error('getaddrinfo ENOTFOUND nowhere.invalid');\n",
  );
  write(
    'node_modules/@mapbox/node-pre-gyp/package.json',
    '{"name":"@mapbox/node-pre-gyp","main":"index.js"}',
  );
  write(
    'node_modules/@mapbox/node-pre-gyp/index.js',
    "exports.find = (file) => require('node:path').join(file, '..', 'lib', 'napi-v8', 'tfjs_binding.node');\n",
  );
  return dir;
}

/** Every file and link below a folder, without the claims of installs. */
export function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}
