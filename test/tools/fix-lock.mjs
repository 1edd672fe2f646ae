// Completes package-lock.json after a dependency changed: `node test/tools/fix-lock.mjs`.
//
// Packages with native parts list one optional package for each platform. A registry that does not carry all of
// them makes npm write a lock without those entries, and `npm ci` then refuses the lock ("Missing: ... from lock
// file") on every machine. A stub entry (name, version, platform, no integrity) is enough: npm skips packages made
// for another platform, and fetches by name and version where the platform fits.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));

const first = (table, text) => table.find(([pattern]) => pattern.test(text))?.[1];
const OS = [
  [/darwin|macos/, 'darwin'],
  [/win32|windows/, 'win32'],
  [/android/, 'android'],
  [/freebsd/, 'freebsd'],
  [/linux/, 'linux'],
];
const CPU = [
  [/arm64|aarch64/, 'arm64'],
  [/riscv64/, 'riscv64'],
  [/ppc64/, 'ppc64'],
  [/s390x/, 's390x'],
  [/ia32/, 'ia32'],
  [/arm/, 'arm'],
  [/x64/, 'x64'],
];

let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const os = first(OS, name);
    const cpu = first(CPU, name);
    // Only exact versions of platform packages: a range would have to be resolved by the registry.
    if (lock.packages[path] || !/^\d/.test(version) || !os || !cpu) continue;
    const libc = /musl/.test(name) ? ['musl'] : /-gnu/.test(name) ? ['glibc'] : undefined;
    lock.packages[path] = {
      version,
      cpu: [cpu],
      license: entry.license,
      optional: true,
      os: [os],
      ...(libc && { libc }),
    };
    added++;
    console.log(`stub for ${name}@${version} (${os}, ${cpu})`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(`${file}.tmp`, JSON.stringify(lock, null, 2) + '\n');
renameSync(`${file}.tmp`, file);
console.log(added ? `${added} stubs added to ${file}` : `${file} is complete`);
