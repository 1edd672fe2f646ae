// `coc data` as a user runs it: what it prints, what it writes, its exit codes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash';
import type { Report } from '../../src/datasets/fetch';
import { readNifti } from '../../src/volume/nifti';
import { content, manifestFor, useFolders } from './server';

const folders = useFolders();

function coc(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/cli/coc.cjs', 'data', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A manifest of two files; the mirror holds the ones named. */
function set(present: string[]): string {
  const file = path.join(folders.root, 'test-set.json');
  const files = {
    a: { body: content('a', 1000), subject: 's' },
    b: { body: content('b', 2000), subject: 't', role: 'label' as const },
  };
  writeFileSync(file, JSON.stringify(manifestFor('http://127.0.0.1:9/', files)));
  mkdirSync(path.join(folders.mirror, 'test-set'), { recursive: true });
  for (const name of present)
    writeFileSync(path.join(folders.mirror, 'test-set', name), content(name, name === 'a' ? 1000 : 2000));
  process.env.COC_DATA_MIRROR = folders.mirror;
  return file;
}

describe('coc data', () => {
  test('list names every data set; list NAME names its files and its licence', () => {
    const all = JSON.parse(coc('list', '--json').stdout) as {
      name: string;
      splits: Record<string, number>;
    }[];
    expect(all.find((row) => row.name === 'msd-task04-hippocampus')?.splits).toEqual({
      train: 180,
      validation: 40,
      test: 40,
    });
    const one = coc('list', 'sam-vit-h').stdout;
    expect(one).toContain('licence: Apache-2.0, read at README of facebookresearch/segment-anything');
    expect(one).toMatch(/2.56 GB {2}weights .*sam_vit_h_4b8939.pth {2}\(hash not checked by us\)/);
  });

  test('fetch tells size and licence first, names what is absent, and is content with a part', () => {
    const result = coc('fetch', set(['a']));
    expect(result.stderr).toMatch(
      /licence: CC0, read at this test\n(.*\n)*chosen: 2 files, 3.00 kB; not in place yet: 2 files/,
    );
    expect(result.stdout).toMatch(/absent b: not in the mirror .*; 127.0.0.1:9 cannot be reached/);
    expect(result.stdout).toContain('test-set: 1 ready (1 from mirror), 1 absent, 0 wrong');
    expect(result.status).toBe(0);
  });

  test('fetch fails when a file is wrong, and when nothing could be had', () => {
    const file = set(['a', 'b']);
    writeFileSync(path.join(folders.mirror, 'test-set', 'b'), content('x', 2000));
    const wrong = coc('fetch', file, '--json');
    expect(wrong.status).toBe(1);
    expect(JSON.parse(wrong.stdout) as Report).toMatchObject({ ready: 1, wrong: 1 });
    process.env.COC_DATA_MIRROR = path.join(folders.root, 'empty');
    expect(coc('fetch', file, '--subject', 't').status).toBe(1);
  });

  test('--dry-run fetches nothing; --role and --subject choose; verify hashes again', () => {
    const file = set(['a', 'b']);
    expect(coc('fetch', file, '--dry-run', '--role', 'label').stdout).toMatch(/2.00 kB {2}b$/m);
    expect(existsSync(folders.data)).toBe(false);
    expect(coc('verify', file)).toMatchObject({ status: 1 });
    expect(coc('fetch', file, '--role', 'label').stdout).toContain('test-set: 1 ready');
    const verified = coc('verify', file);
    expect(verified.stdout).toContain('absent a: not fetched yet');
    expect(verified).toMatchObject({ status: 0 });
  });

  test('wrong arguments are told in one line', () => {
    expect(coc('fetch', 'no-such-set').stderr).toMatch(
      /^no such data set: given "no-such-set", expected one of/,
    );
    expect(coc('fetch', set([]), '--role', 'picture').stderr).toMatch(
      /there is no such role: given "picture"/,
    );
    expect(coc('fetch', set([]), '--parallel', '0')).toMatchObject({ status: 1 });
  });

  test('synth writes the head and its labels', async () => {
    const [out, labels] = ['h.nii', 'l.nii'].map((name) => path.join(folders.root, name));
    const result = coc('synth', out, '--seed', '7', '--labels', labels, '--thickness', '5', '--json');
    expect(result.status).toBe(0);
    const image = await readNifti(out);
    expect(image).toMatchObject({ dims: [240, 240, 155], axisCodes: 'LPS' });
    const { voxelSha256 } = JSON.parse(result.stdout) as { voxelSha256: string };
    expect(sha256(readFileSync(out).subarray(352))).toBe(voxelSha256);
    expect([...new Set((await readNifti(labels)).data)].sort()).toEqual([0, 1, 2, 3, 4]);
  });
});
