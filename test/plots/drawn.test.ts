import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { figure } from '../../src/plots/draw';
import { drawWithMemory } from '../../src/plots/drawn';
import { drawSvg } from '../../src/plots/picture';
import { madeUpCost } from './made-up';

const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-drawn-'));
afterAll(() => rmSync(dir, { recursive: true }));

it('a picture is kept, found again, drawn anew for another figure or a spoilt file', async () => {
  const cost = figure('cost-of-consistency', madeUpCost());
  const drawn = await drawSvg(cost);
  const draw = await drawWithMemory(dir);
  expect(await draw(cost)).toEqual(drawn);
  const [file] = readdirSync(dir).map((name) => path.join(dir, name));
  const text = readFileSync(file, 'utf8');

  // Found, not drawn: what the file says is what comes back, also in a later run.
  writeFileSync(file, JSON.stringify({ bare: 'kept', svg: 'kept' }));
  expect(await draw(cost)).toEqual({ bare: 'kept', svg: 'kept' });
  expect(await (await drawWithMemory(dir))(cost)).toEqual({ bare: 'kept', svg: 'kept' });

  expect((await draw({ ...cost, alt: 'another text' })).svg).toContain('another text');
  expect(readdirSync(dir)).toHaveLength(2);

  writeFileSync(file, text.slice(0, 100));
  expect(await draw(cost)).toEqual(drawn);
  expect(readFileSync(file, 'utf8')).toBe(text);
});
