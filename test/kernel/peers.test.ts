// Our notebooks and our runner beside Jupyter's own: nbformat's schema, its bytes, and nbclient's outputs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { installKernel } from '../../src/kernel/kernelspec';
import { readNotebook } from '../../src/kernel/nbformat';
import type { CodeCell, Output } from '../../src/kernel/nbformat';
import { settleLines } from '../../src/kernel/collect';
import { describeWith, python } from '../setup/peers';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'coc-peers-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const whole = path.resolve('test/cases/notebooks/whole.ipynb');

/** Streams joined, as nbclient keeps each message; run times and addresses play no part. */
function joined(cell: CodeCell): Output[] {
  const outputs: Output[] = [];
  for (const output of structuredClone(cell.outputs)) {
    const last = outputs.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name) {
      last.text += output.text;
    } else outputs.push(output);
  }
  for (const output of outputs) if (output.output_type === 'stream') output.text = settleLines(output.text);
  return outputs;
}

describeWith(['nbclient', 'nbformat'], 'Jupyter itself', () => {
  it('nbformat finds our notebooks valid and writes them with the same bytes', () => {
    const broken = path.resolve('test/cases/broken-notebooks');
    const files = [
      whole,
      ...readdirSync(broken).flatMap((f) => (f.endsWith('.ipynb') ? [path.join(broken, f)] : [])),
    ];
    const code =
      'import sys, nbformat\n' +
      'for f in sys.argv[1:]:\n' +
      '    nb = nbformat.read(f, as_version=4); nbformat.validate(nb)\n' +
      '    assert nbformat.writes(nb) + "\\n" == open(f, encoding="utf8").read(), f\n';
    execFileSync(python, ['-c', code, ...files]);
  });

  it('nbclient runs the same notebook to equal outputs', () => {
    installKernel(scratch);
    const out = path.join(scratch, 'whole.ipynb');
    const code =
      'import sys, nbformat\n' +
      'from nbclient import NotebookClient\n' +
      'nb = nbformat.read(sys.argv[1], as_version=4)\n' +
      'NotebookClient(nb, timeout=120, resources={"metadata": {"path": sys.argv[3]}}).execute()\n' +
      'nbformat.write(nb, sys.argv[2])\n';
    execFileSync(python, ['-c', code, whole, out, path.dirname(whole)], {
      env: { ...process.env, JUPYTER_PATH: scratch, COC_TEST_WORD: 'from outside' },
    });
    const ours = readNotebook(whole).cells;
    const theirs = readNotebook(out).cells;
    expect(readFileSync(out, 'utf8')).not.toBe('');
    ours.forEach((cell, i) => {
      const other = theirs[i];
      if (cell.cell_type !== 'code' || other.cell_type !== 'code') return;
      // nbclient no longer listens to a cell that has ended: late output is lost to it.
      expect(joined(other)).toEqual(cell.id === 'late' ? [] : joined(cell));
      expect(other.execution_count).toBe(cell.execution_count);
    });
  });
});
