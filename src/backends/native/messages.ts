// What an install of native TensorFlow can fail of: for each reason what was found, what is needed and what to do.
import { InputError } from '../../base/errors';
import { formatBytes } from '../../base/progress';
import type { Form, Wheel } from './recipe';
import { glibcNeeded, packageOf } from './recipe';

const what = 'cannot install native TensorFlow';
const again = 'then run `npx coc native install` again';
const goOn = 'everything works without it, more slowly (the backend wasm)';

export function otherPlatform(platform: string, arch: string): InputError {
  return new InputError({
    what,
    given: `${platform} on ${arch}`,
    expected: 'Linux on x64, for which the libraries are made',
    fix: `try the package's own binary with \`npx coc native install --stock\`, or leave it: ${goOn}`,
  });
}

export function musl(): InputError {
  return new InputError({
    what,
    given: 'a Linux without glibc (musl, such as Alpine)',
    expected: `a Linux with glibc ${glibcNeeded} or newer`,
    fix: `use a Debian, Ubuntu, Fedora or similar system or image; or leave it: ${goOn}`,
  });
}

export function oldGlibc(found: string): InputError {
  return new InputError({
    what,
    given: `glibc ${found}`,
    expected: `glibc ${glibcNeeded} or newer`,
    fix: `use a newer system (2018 or later); or leave it: ${goOn}`,
  });
}

export function noPackage(form: Form): InputError {
  return new InputError({
    what,
    given: `no npm package ${packageOf[form]} in node_modules`,
    expected: 'the optional packages',
    fix: `run \`npm ci --include=optional\`, ${again}`,
  });
}

export function noPip(tried: readonly string[]): InputError {
  return new InputError({
    what,
    given: `no pip (tried ${tried.join(', ')})`,
    expected: 'pip of any Python 3, which fetches the libraries',
    fix: `install it (Debian, Ubuntu: apt install python3-pip; Fedora: dnf install python3-pip) or name a Python that has it by COC_PYTHON, ${again}`,
  });
}

export function noCompiler(tried: readonly string[]): InputError {
  return new InputError({
    what,
    given: `no C++ compiler (tried ${tried.join(', ')})`,
    expected: 'one that knows C++17',
    fix: `install it (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++) or name one by CXX, ${again}`,
  });
}

export function noSpace(dir: string, free: number, needed: number): InputError {
  return new InputError({
    what,
    given: `${formatBytes(free)} free for ${dir}`,
    expected: `${formatBytes(needed)} while it is installed`,
    fix: `make room, or name a folder on a larger disk by COC_CACHE, ${again}`,
  });
}

/** The index that pip asks has no such file. */
export function notInIndex(wheel: Wheel, said: string): InputError {
  return new InputError({
    what: `cannot fetch ${wheel.file}`,
    given: said,
    expected: `${wheel.project} ${wheel.version} in the index that pip is set up to ask`,
    fix: `look at \`pip config list\` (index-url, no-index, proxy), ${again}`,
  });
}

export function cutDownload(wheel: Wheel, have: number, said: string): InputError {
  return new InputError({
    what: `cannot fetch ${wheel.file}`,
    given: `${formatBytes(have)} of ${formatBytes(wheel.bytes)}, then: ${said}`,
    expected: 'the whole file',
    fix: `see to the network or pip's proxy, ${again}: what can be kept of it is kept`,
  });
}

export function wrongHash(wheel: Wheel, bytes: number, sha256: string): InputError {
  return new InputError({
    what: `${wheel.file} is not the file that it should be, and was removed`,
    given: `${bytes} bytes with SHA-256 ${sha256}`,
    expected: `${wheel.bytes} bytes with SHA-256 ${wheel.sha256}`,
    fix: `ask whoever runs your package index or proxy what it delivers here; ${again}`,
  });
}

export function damagedWheel(wheel: Wheel, said: string): InputError {
  return new InputError({
    what: `cannot unpack ${wheel.file}`,
    given: said,
    expected: 'a zip file with the libraries and the headers',
    fix: `run \`npx coc native remove\`, ${again}`,
  });
}

export function notCompiled(compiler: string, said: string): InputError {
  return new InputError({
    what: 'cannot compile the binding to TensorFlow',
    given: `${compiler} says: ${said}`,
    expected: 'a compiler that knows C++17, with its standard library (g++ 8, clang 7 or newer)',
    fix: `install one or name another by CXX, ${again}; what was fetched is kept`,
  });
}

/** It computes something else, or does not start. */
export function notRight(form: Form, said: string): InputError {
  const other = form === 'gpu' ? 'install the processor form with `npx coc native install --cpu`, or ' : '';
  return new InputError({
    what: 'native TensorFlow was built, but its check failed, and it is not used',
    given: said,
    expected: 'a known product and a known gradient',
    fix: `${other}report this with the output of \`npx coc doctor\`; ${goOn}`,
  });
}

export function noStock(form: Form, said: string): InputError {
  return new InputError({
    what: `cannot install the stock binary of ${packageOf[form]}`,
    given: said,
    expected: "the package's own install script to download and place it",
    fix: `see to the network (it downloads from its vendor's storage, not by pip), or leave out --stock; or leave it: ${goOn}`,
  });
}
