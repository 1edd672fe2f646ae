// A cell that chooses a backend: what it prints is what it prints, and a stray rejection does not end the kernel.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readNotebook } from '../../src/kernel/nbformat';
import { runNotebook } from '../../src/kernel/runner';
import { hasPeer } from '../setup/peers';

const here = ['wasm', ...(hasPeer('native-tensorflow') ? ['tensorflow'] : [])];

it.each(here)(
  '%s in a notebook: no log of it in a cell, and the kernel lives on',
  async (backend) => {
    // In the clone, as every notebook: from elsewhere TypeScript cannot name TensorFlow.js's types.
    mkdirSync('.cache', { recursive: true });
    const dir = mkdtempSync(path.resolve('.cache', 'backend-notebook-'));
    const file = path.join(dir, 'backend.ipynb');
    const sources = [
      `import { chooseBackend } from ${JSON.stringify(path.resolve('dist'))};\n` +
        `const { tf, name, why } = await chooseBackend({ backend: '${backend}' });\nconsole.log(name, why);`,
      `const product = tf.matMul([[1, 2], [3, 4]], [[5], [6]]);\nconsole.log([...await product.data()].join(' '));`,
      `console.log((await chooseBackend()).name, tf.memory().numTensors);`,
      // Emscripten's handler would rethrow it, which ends the process.
      `void Promise.reject(new Error('nobody waits for this'));\nawait new Promise((go) => setTimeout(go, 200));`,
    ];
    const cells = sources.map((source, i) => ({
      cell_type: 'code',
      id: `c${i}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source: [source],
    }));
    const kernelspec = {
      name: 'cost-of-consistency',
      display_name: 'Cost of Consistency',
      language: 'typescript',
    };
    writeFileSync(file, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
    try {
      const out = path.join(dir, 'out.ipynb');
      const { failure } = await runNotebook(file, { out });
      expect(failure).toMatchObject({ kind: 'error', cell: 4, evalue: 'nobody waits for this' });
      const printed = readNotebook(out).cells.map((cell) =>
        cell.cell_type === 'code'
          ? cell.outputs.map((output) =>
              'text' in output ? [output.text].flat().join('') : output.output_type,
            )
          : [],
      );
      expect(printed).toEqual([
        [`${backend} asked for by its name\n`],
        ['17 39\n'],
        [`${backend} 1\n`],
        ['error'],
      ]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
  120_000,
);
