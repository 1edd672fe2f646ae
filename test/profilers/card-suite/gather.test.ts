// Three planes of a volume on the device: whatever its layout, the planes that the host gathers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../../src/backends/choose';
import { tf } from '../../../src/backends/tf';
import { gatherUnits, residentGather, voxelOf } from '../../../src/profilers/card-suite/gather';
import type { Part } from '../../../src/profilers/card-suite/part';
import { partsOf } from '../../../src/profilers/card-suite/parts';
import { rehearsalId } from '../../../src/profilers/card-suite/record';
import { runSuite } from '../../../src/profilers/card-suite/suite';
import type { Request } from '../../../src/profilers/card-suite/work';
import { inputNumbers } from '../../../src/profilers/card-suite/units';
import { gatherPlane, layoutOf } from '../../../src/sampling/layout';
import { planeNames } from '../../../src/sampling/plane';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeWith, python } from '../../setup/peers';

beforeAll(async () => {
  await (await loadCandidate('cpu')).open({ asked: true });
});

describe('a gather', () => {
  it.each(gatherUnits(true).map((unit) => [unit.layout, unit] as const))(
    'from %s gives the planes of the host',
    async (_, unit) => {
      const { inputs, gather } = residentGather(unit);
      const { size: n } = unit;
      const host = layoutOf(
        { data: inputNumbers(n ** 3, 1), dims: [n, n, n], spacing: [1, 1, 1], axisCodes: 'LPI' },
        'file',
      );
      for (const voxel of [voxelOf(0, n), voxelOf(1, n), [n - 1, 0, 7] as const]) {
        const [x, y, z] = voxel;
        const made = gather([x, y, z]);
        expect(made.shape).toEqual([3, n, n]);
        const expected = planeNames.flatMap((plane, k) => {
          const into = new Float32Array(n * n);
          gatherPlane(host, plane, [z, y, x][k], into);
          return [...into];
        });
        expect([...(await made.data())]).toEqual(expected);
        made.dispose();
      }
      tf.dispose(inputs);
    },
  );

  it('takes another voxel at every call', () => {
    const voxels = Array.from({ length: 16 }, (_, call) => voxelOf(call, 512).join());
    expect(new Set(voxels).size).toBe(16);
  });
});

const out = mkdtempSync(path.join(os.tmpdir(), 'coc-gather-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

describeWith('torch', 'PyTorch beside the cpu backend', () => {
  it('gathers the same planes from every layout', { timeout: 60_000 }, async () => {
    const all = partsOf({ rehearse: true, python });
    const ours = all.find(({ name }) => name === 'webgpu gather')!;
    const program: Part['program'] = (units) => {
      const [node, task, text] = ours.program(units).command;
      return { command: [node, task, JSON.stringify({ ...(JSON.parse(text) as Request), engine: 'cpu' })] };
    };
    const torch = all.find(({ name }) => name === 'torch gather')!;
    const parts = [{ ...ours, name: 'cpu gather', program }, torch];
    const { study } = await runSuite({ rehearse: true, out, parts });
    const { rows } = study.findings.find(({ id }) => id === `${rehearsalId}.gather`)!.table!;
    expect(rows).toHaveLength(6);
    for (const row of rows) expect(row).toMatchObject({ agrees: 'yes', rate: expect.any(Number) as number });
  });
});
