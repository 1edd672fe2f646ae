#!/usr/bin/env node
// The one command. A clone has no built code and no install script makes it: this launcher builds what is stale
// (nothing: well under a second; after an edit: about three) and hands over to dist/cli/main.js.
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');
const src = path.join(root, 'src');
const dist = path.join(root, 'dist');
const stampFile = path.join(dist, '.stamp');
const lockDir = path.join(root, '.cache', 'build.lock');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Every source file with its time and size: equal text means that dist/ is what src/ says. */
function stampOf() {
  const lines = [process.version.split('.')[0]];
  const visit = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const file = path.join(dir, entry.name);
      if (entry.isDirectory()) visit(file);
      else if (/\.ts$|tsconfig\.json$/.test(entry.name)) {
        const { mtimeMs, size } = fs.statSync(file);
        lines.push(`${path.relative(root, file)} ${mtimeMs} ${size}`);
      }
    }
  };
  visit(src);
  for (const file of ['tsconfig.json', 'package-lock.json']) {
    lines.push(`${file} ${fs.statSync(path.join(root, file)).mtimeMs}`);
  }
  return lines.sort().join('\n');
}

function isFresh() {
  try {
    return fs.readFileSync(stampFile, 'utf8') === stampOf();
  } catch {
    return false;
  }
}

/** What a deleted or renamed source left behind would still be importable. */
function sweep(dir = dist) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) sweep(file);
    else {
      const source = path.join(src, path.relative(dist, file)).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
      if (/\.(js|d\.ts)(\.map)?$/.test(file) && !fs.existsSync(source)) fs.rmSync(file);
    }
  }
}

/** One build at a time: two terminals may start at once. A lock whose owner is gone is taken over. */
function withLock(work) {
  fs.mkdirSync(path.dirname(lockDir), { recursive: true });
  const owner = path.join(lockDir, 'pid');
  for (const begun = Date.now(); ;) {
    try {
      fs.mkdirSync(lockDir);
      fs.writeFileSync(owner, `${process.pid}`);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      let alive = true;
      try {
        process.kill(Number(fs.readFileSync(owner, 'utf8')), 0);
      } catch (e) {
        // No pid yet: the owner is between its two calls, unless the folder is old.
        alive = e.code === 'ENOENT' && Date.now() - begun < 2000;
        if (e.code === 'EPERM') alive = true;
      }
      if (!alive) fs.rmSync(lockDir, { recursive: true, force: true });
      else if (Date.now() - begun > 180_000)
        fail(`another build holds ${lockDir}; remove that folder if none is running`);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
  try {
    return work();
  } finally {
    fs.rmSync(lockDir, { recursive: true, force: true });
  }
}

function build({ quiet = false } = {}) {
  if (isFresh()) return;
  withLock(() => {
    if (isFresh()) return;
    const stamp = stampOf();
    if (!quiet && process.stderr.isTTY) process.stderr.write('building src/ ...\n');
    const tsc = path.join(root, 'node_modules', 'typescript', 'lib', 'tsc.js');
    const result = spawnSync(
      process.execPath,
      [tsc, '-p', src, '--pretty', `${Boolean(process.stderr.isTTY)}`],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    if (result.status !== 0) fail(`src/ does not build:\n${result.stdout}${result.stderr}`);
    sweep();
    fs.writeFileSync(`${stampFile}.tmp`, stamp);
    fs.renameSync(`${stampFile}.tmp`, stampFile);
  });
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old: version 20.19 or newer is needed (https://nodejs.org)`);
}
if (!fs.existsSync(path.join(root, 'node_modules', 'typescript'))) {
  fail(`the packages are not installed: run \`npm ci\` in ${root} first`);
}

module.exports = { build, isFresh, stampOf, stampFile, withLock, sweep, root };

if (require.main === module) {
  build();
  require(path.join(dist, 'cli', 'main.js')).main(process.argv.slice(2));
}
