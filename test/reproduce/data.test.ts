// The data step: what can be had, from where, and one line for what cannot.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash';
import { dataStep, expectedDigests } from '../../src/reproduce/data';
import { content, manifestFor, useFolders } from '../datasets/server';

const folders = useFolders();
const names = ['a', 'b', 'c', 'd', 'e'];
const body = Object.fromEntries(names.map((name) => [name, content(name, 1000)]));

test('files of one data set come together; what is absent is one line and counts as missing', async () => {
  const own = path.join(folders.root, 'test-set.json');
  const files = Object.fromEntries(names.map((name) => [name, { body: body[name] }]));
  writeFileSync(own, JSON.stringify(manifestFor('http://127.0.0.1:9/', files)));
  process.env.COC_DATA_MIRROR = folders.mirror;
  mkdirSync(path.join(folders.mirror, 'test-set'), { recursive: true });
  writeFileSync(path.join(folders.mirror, 'test-set', 'b'), body.b);
  const needs = names.map((file) => ({ dataset: own, path: file }));
  const said: string[] = [];

  const { line, skips, digests } = await dataStep(needs, {}, (text) => said.push(text));
  expect(said).toEqual([expect.stringMatching(/: 5 files, 5\.00 kB, /)]);
  expect(line).toBe('1 of 5 files ready (from mirror); results say what took the place of the rest');
  expect(skips).toEqual([
    {
      what: `real data: ${own}/a, ${own}/c, ${own}/d and 1 more file`,
      unskip: 'go online, or set COC_DATA_MIRROR to a folder that holds it',
    },
  ]);
  expect(digests).toEqual(
    Object.fromEntries(names.map((name) => [`${own}/${name}`, name === 'b' ? sha256(body.b) : 'missing'])),
  );

  // Without fetching: what is there, and what the last run could not have and still lies nowhere.
  expect(expectedDigests(needs, () => 'missing')).toEqual(digests);
  expect(expectedDigests(needs, () => undefined)[`${own}/a`]).toBe(sha256(body.a));
});

test('a need that no manifest names is a mistake', async () => {
  await expect(dataStep([{ dataset: 'sam3', path: 'other.pt' }], {}, () => {})).rejects.toThrow(
    /needs other\.pt, which is in no manifest of sam3/,
  );
});
