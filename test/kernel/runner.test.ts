// The runner against notebooks that are broken on purpose (test/cases/broken-notebooks: each with what must come of it)
// and one that is whole.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../../src/base/files';
import type { ProgressEvent } from '../../src/base/progress';
import { kernelSpec } from '../../src/kernel/kernelspec';
import { readNotebook } from '../../src/kernel/nbformat';
import { runNotebook } from '../../src/kernel/runner';

const cases = path.resolve('test/cases/broken-notebooks');
const whole = path.resolve('test/cases/notebooks/whole.ipynb');
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'coc-runner-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

interface Expected {
  kind: string;
  cell: number;
  ename: string;
  evalue: string;
  /** How many cells ran, the failing one included. */
  ran: number;
  timeoutSeconds?: number;
  heapMiB?: number;
  interrupt?: boolean;
}

describe('a broken notebook is red', () => {
  const names = readdirSync(cases).filter((name) => name.endsWith('.ipynb'));
  it.each(names)('%s', async (name) => {
    const file = path.join(cases, name);
    const { ran, timeoutSeconds, heapMiB, interrupt, ...failure } = readJson(
      file.replace(/ipynb$/, 'expected.json'),
    ) as Expected;
    const before = readFileSync(file, 'utf8');
    const out = path.join(scratch, name);
    const stop = new AbortController();
    const spec = kernelSpec();
    if (heapMiB) spec.argv[1] = `--max-old-space-size=${heapMiB}`;
    const result = await runNotebook(file, {
      out,
      timeoutSeconds,
      spec: heapMiB ? spec : undefined,
      signal: stop.signal,
      progress: ({ detail }) => {
        if (interrupt && detail?.startsWith('cell 2')) setTimeout(() => stop.abort(), 500);
      },
    });
    expect(result.ok).toBe(false);
    expect(result.failure).toMatchObject(failure);
    expect(result.cells).toHaveLength(ran);
    expect(readFileSync(file, 'utf8'), 'the notebook itself is left alone').toBe(before);
    const stored = readNotebook(out);
    const last = stored.cells[failure.cell - 1];
    if (last.cell_type !== 'code') throw new Error('the failing cell is no code cell');
    const error = last.outputs.at(-1);
    // An error that comes after the cell is text in it; any other is its last output.
    if (failure.kind === 'late error') expect(error).toMatchObject({ output_type: 'stream', name: 'stderr' });
    else expect(error).toMatchObject({ output_type: 'error', ename: failure.ename, evalue: failure.evalue });
    const said = last.outputs.flatMap((output) => (output.output_type === 'stream' ? [output.text] : []));
    for (const words of last.source.matchAll(/console\.log\("([^"]*)"\)/g)) {
      expect(said.join(''), 'what it printed before').toContain(words[1]);
    }
  });
});

describe('a whole notebook', () => {
  it('is green, gives the outputs that are stored with it, and the same bytes each time', async () => {
    const events: ProgressEvent[] = [];
    const out = path.join(scratch, 'whole.ipynb');
    const result = await runNotebook(whole, {
      out,
      env: { COC_TEST_WORD: 'from outside' },
      progress: (event) => events.push(event),
    });
    expect(result.failure).toBeUndefined();
    expect(result.cells.map(({ ok }) => ok)).toContain(false);
    expect(readFileSync(out, 'utf8')).toBe(readFileSync(whole, 'utf8'));
    expect(events.at(-1)).toMatchObject({ task: 'whole.ipynb', finished: true, unit: 'cells' });
    expect(events.at(-1)!.done).toBe(events.at(-1)!.total);
    // It was run before (for the stored times) or gets a pace on the way.
    expect(events.some(({ secondsLeft }) => secondsLeft !== undefined)).toBe(true);
  });
});

describe('what is no notebook of ours', () => {
  it.each([
    ['not JSON', '{', /cannot read the notebook .*not valid JSON/s],
    [
      'format 4.4',
      '{"nbformat":4,"nbformat_minor":4,"metadata":{},"cells":[]}',
      /format 4\.4.*open it in JupyterLab/,
    ],
    [
      'a code cell without outputs',
      '{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"code","id":"a","metadata":{},"source":""}]}',
      /cells\[0\]\.outputs.*mend the places/,
    ],
    [
      'two cells with one id',
      '{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"raw","id":"a","metadata":{},"source":""},{"cell_type":"raw","id":"a","metadata":{},"source":""}]}',
      /"a" stands there twice/,
    ],
    [
      'another kernel',
      '{"nbformat":4,"nbformat_minor":5,"metadata":{"kernelspec":{"name":"python3","display_name":"P"}},"cells":[]}',
      /the kernel "python3".*expected the kernel "cost-of-consistency"/,
    ],
  ])('%s is refused', async (name, text, message) => {
    const file = path.join(scratch, `${name.replaceAll(' ', '-')}.ipynb`);
    writeFileSync(file, text);
    await expect(runNotebook(file)).rejects.toThrow(message);
  });
});
