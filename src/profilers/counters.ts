// The processor's own counters of cache misses, through Linux' perf, where they can be read.
//
// Many virtual machines hide them and many systems do not let users look: then the reason is handed on in perf's words,
// and no number is made up. Counted is a child process that gathers planes, less one that does everything but gather.
import { spawnSync } from 'node:child_process';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { Triple } from '../volume/volume';

export const counterEvents = ['L1-dcache-load-misses', 'cache-misses', 'dTLB-load-misses'] as const;
export type CounterEvent = (typeof counterEvents)[number];

/** Events for each sample, by plane, or why they cannot be had. */
export type Counters =
  | { readable: true; perf: string; perSample: Record<PlaneName, Partial<Record<CounterEvent, number>>> }
  | { readable: false; reason: string };

/** What `perf stat -x,` printed: a number for each event, or what stood in its place. */
export function parsePerf(text: string): Map<string, number | string> {
  const found = new Map<string, number | string>();
  for (const line of text.split('\n')) {
    const [value, , event] = line.split(',');
    if (!event) continue;
    // perf may add what it was allowed to count: `cache-misses:u`.
    const name = event.replace(/:[a-z]+$/, '');
    found.set(name, /^\d+$/.test(value) ? Number(value) : value);
  }
  return found;
}

/** Gathers `planes` planes of a made-up float32 volume in file order: argv is module, plane, planes, dims. */
const child = `
const [file, plane, planes, ...dims] = process.argv.slice(1);
const { layoutOf, gatherPlane } = require(file);
const [x, y, z] = dims.map(Number);
const data = new Float32Array(x * y * z).fill(1);
const layout = layoutOf({ data, dims: [x, y, z], spacing: [1, 1, 1], axisCodes: 'LPS' }, 'file');
const { columns, rows, normal } = layout.grids[plane];
const into = new Float32Array(columns.count * rows.count);
for (let i = 0; i < Number(planes); i++) gatherPlane(layout, plane, (i * 37) % layout.dims[normal], into);
`;

/**
 * Count misses of gathers in file order.
 * @param perf    the program; another one only for tests
 * @param planes  gathers to count
 * @throws InputError when the library is not built
 */
export function readCounters(dims: Triple, { perf = 'perf', planes = 400 } = {}): Counters {
  const run = (plane: PlaneName, count: number): ReturnType<typeof parsePerf> | string => {
    const command = [
      process.execPath,
      '-e',
      child,
      inRepo('dist', 'sampling', 'layout.js'),
      plane,
      `${count}`,
    ];
    const { error, status, stderr } = spawnSync(
      perf,
      ['stat', '-x,', '-e', counterEvents.join(','), '--', ...command, ...dims.map(String)],
      { encoding: 'utf8', timeout: 60_000, env: { ...process.env, LC_ALL: 'C' } },
    );
    if (error)
      return `no program ${perf} could be run (${(error as NodeJS.ErrnoException).code ?? error.message})`;
    if (stderr.includes('Cannot find module')) {
      throw new InputError({
        what: 'cannot count cache misses',
        given: 'no dist/sampling/layout.js',
        expected: 'the built library',
        fix: 'build it with `node src/cli/coc.cjs build`',
      });
    }
    const events = parsePerf(stderr);
    const first = stderr.trim().split('\n').filter(Boolean).slice(0, 2).join(' ');
    if (status !== 0 || events.size === 0)
      return `perf said: ${first || `nothing, and ended with ${status}`}`;
    const silent = counterEvents.filter((e) => typeof events.get(e) !== 'number');
    if (silent.length === counterEvents.length)
      return `perf said ${silent.map((e) => `${events.get(e) ?? 'nothing'} of ${e}`).join(', ')}`;
    return events;
  };
  const perSample = {} as Record<PlaneName, Partial<Record<CounterEvent, number>>>;
  for (const plane of planeNames) {
    const without = run(plane, 0);
    if (typeof without === 'string') return { readable: false, reason: without };
    const events = run(plane, planes);
    if (typeof events === 'string') return { readable: false, reason: events };
    const samples = planes * samplesOf(dims, plane);
    perSample[plane] = Object.fromEntries(
      counterEvents.flatMap((e) => {
        const [more, less] = [events.get(e), without.get(e)];
        return typeof more === 'number' && typeof less === 'number' ? [[e, (more - less) / samples]] : [];
      }),
    );
  }
  const version = spawnSync(perf, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? perf;
  return { readable: true, perf: version, perSample };
}

/** Samples of a plane whose axes are L, P and S, as the child's are. */
function samplesOf([x, y, z]: Triple, plane: PlaneName): number {
  return { axial: x * y, coronal: x * z, sagittal: y * z }[plane];
}
