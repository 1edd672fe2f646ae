import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic, writeJsonAtomic } from '../../src/base/files';

describe('files', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'coc-files-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('writes equal values as equal bytes, whatever the order of keys', () => {
    writeJsonAtomic(path.join(dir, 'a.json'), { b: 1, a: [2, { d: 3, c: 4 }] });
    writeJsonAtomic(path.join(dir, 'b.json'), { a: [2, { c: 4, d: 3 }], b: 1 });
    expect(readFileSync(path.join(dir, 'a.json'))).toEqual(readFileSync(path.join(dir, 'b.json')));
  });

  it('keeps the old file and leaves no temporary one when the value cannot be written', () => {
    const file = path.join(dir, 'a.json');
    writeFileSync(file, 'old');
    expect(() => writeJsonAtomic(file, { x: NaN })).toThrow('x is NaN: JSON has no such number');
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(dir)).toEqual(['a.json']);
  });

  it('leaves nothing behind when the target cannot be replaced', () => {
    expect(() => writeFileAtomic(dir, 'a folder stands here')).toThrow();
    expect(readdirSync(path.dirname(dir)).filter((f) => f.startsWith(path.basename(dir)))).toHaveLength(1);
  });
});
