// A record in words, and whether anything in it is wrong.
import type { Table } from '../../results/result';
import type { Study } from '../../results/store';

function rowsOf({ study, findings }: Study, end: string): Table['rows'] {
  return findings.find(({ id }) => id === `${study}.${end}`)?.table?.rows ?? [];
}

const bad = (study: Study): string[] => [
  ...rowsOf(study, 'checks')
    .filter(({ status }) => status === 'wrong' || status === 'failed')
    .map((row) => `${row.engine}: ${row.status} ${row.case}: ${row.message}`),
  ...rowsOf(study, 'times')
    .filter(({ agrees }) => /^(?:failed|ANOTHER)/.test(String(agrees)))
    .map((row) => `${row.engine}: ${row.unit} (${row.precision}): ${row.agrees}`),
  ...rowsOf(study, 'steps')
    .filter(({ agrees }) => /^(?:failed|ANOTHER)/.test(String(agrees)))
    .map((row) => `${row.engine}: ${row.step}, ${row.way}: ${row.agrees}`),
  ...rowsOf(study, 'memory')
    .filter(({ message }) => String(message).startsWith('failed'))
    .map((row) => `${row.engine}: ${row.step}: ${row.message}`),
  ...rowsOf(study, 'sam').flatMap((row) => {
    const what = `${row.engine}: ${row.model}, ${row.planes} planes, ${row.way}${row.limit === null ? '' : `, ${row.limit} GiB`}`;
    // A reading of memory that failed, a time that failed beside one that did not, and another loss.
    return [
      ...(/(?:^|; )(?:no time: )?failed/.test(String(row.message)) ? [`${what}: ${row.message}`] : []),
      ...(String(row.agrees).startsWith('ANOTHER') ? [`${what}: ${row.agrees}`] : []),
    ];
  }),
  ...rowsOf(study, 'gather')
    .filter(({ agrees }) => /^(?:failed|ANOTHER)/.test(String(agrees)))
    .map((row) => `${row.engine}: three planes of ${row.size} cubed, ${row.layout}: ${row.agrees}`),
];

/** Whether an operation is wrong or a unit failed. What cannot be tested here, and a goal that is missed, are no faults of the run. */
export const isRed = (study: Study): boolean => bad(study).length > 0;

/** What came out, part by part, then the goals, then whatever is wrong. */
export function outcomeText(study: Study): string {
  const { provenance } = study;
  const { gpu, driver, cpu } = provenance.device;
  const head = gpu === null ? `On ${cpu}, no card` : `On ${gpu}, driver ${driver ?? 'unknown'}`;
  const parts = rowsOf(study, 'parts').map(
    ({ part, state, done, units, failed }) =>
      `  ${String(part).padEnd(22)} ${state}${state === 'done' ? `, ${done} of ${units}${failed ? `, ${failed} FAILED` : ''}` : ''}`,
  );
  const checks = ['tensorflow', 'webgpu'].flatMap((engine) => {
    const rows = rowsOf(study, 'checks').filter((row) => row.engine === engine);
    if (rows.length === 0) return [];
    const count = (status: string): number => rows.filter((row) => row.status === status).length;
    const worst = (key: string): string =>
      Math.max(...rows.filter((r) => r.status === 'right').map((r) => Number(r[key] ?? 0))).toExponential(1);
    return [
      `  ${engine}: ${count('right')} right, ${count('refused')} refused, ${count('wrong')} wrong, ${count('failed')} failed; largest right error ${worst('value')} in values, ${worst('gradient')} in gradients`,
    ];
  });
  const times = rowsOf(study, 'times').map(
    ({ unit, precision, engine, ms, rate, share }) =>
      `  ${String(unit).padEnd(32)} ${String(precision).padEnd(8)} ${String(engine).padEnd(11)} ${ms === null ? 'failed' : `${ms} ms, ${rate} GFLOP/s`}${share === null ? '' : `, ${(100 * Number(share)).toFixed(0)} % of the peak`}`,
  );
  const steps = rowsOf(study, 'steps').map(
    ({ step, engine, way, ms, first }) =>
      `  ${String(step).padEnd(32)} ${String(engine).padEnd(11)} ${String(way).padEnd(8)} ${ms === null ? 'failed' : `${ms} ms, the first ${first} ms`}`,
  );
  const goals = rowsOf(study, 'goals')
    .filter(({ goal }) => goal !== null)
    .map(
      ({ unit, share, goal, verdict }) =>
        `  ${unit}: ${share ?? 'no'} of PyTorch's rate, at least ${goal}: ${verdict}`,
    );
  const sam = rowsOf(study, 'sam').map(
    ({ model, planes, engine, way, limit, fits, seconds, ratio, allocator, message }) =>
      `  ${`${model}, ${planes}`.padEnd(16)} ${String(engine).padEnd(11)} ${String(way).padEnd(34)} ${limit === null ? '' : `${limit} GiB: `}${fits === 'yes' ? 'fits' : fits === 'no' ? 'out of memory' : 'unknown'}${seconds === null ? '' : `, ${seconds} s`}${ratio === null ? '' : `, ${ratio} of PyTorch's`}${allocator === null ? '' : `, ${allocator} MiB`}${fits === 'yes' ? '' : ` (${message})`}`,
  );
  const samGoals = rowsOf(study, 'sam-goals').map(
    ({ step, way, ratio, goal, verdict }) =>
      `  ${step}: ${ratio ?? 'no'} of PyTorch's time${way === null ? '' : ` (${way})`}${goal === null ? '' : `, at most ${goal}`}: ${verdict}`,
  );
  const gathers = rowsOf(study, 'gather').map(
    ({ size, layout, engine, ms, rate }) =>
      `  ${size} cubed, ${String(layout).padEnd(7)} ${String(engine).padEnd(11)} ${ms === null ? 'failed' : `${ms} ms, ${rate} GB/s`}`,
  );
  const faults = bad(study);
  const section = (title: string, lines: string[]): string[] => (lines.length > 0 ? [title, ...lines] : []);
  return [
    ...provenance.notes,
    head,
    ...section('Parts', parts),
    ...section('Operations and gradients', checks),
    ...section('Times', times),
    ...section('Training steps', steps),
    ...section('Products on webgpu', goals),
    ...section("SAM's training steps", sam),
    ...section('Our fastest step against PyTorch’s eager one', samGoals),
    ...section('Three planes of a resident volume', gathers),
    ...section(
      'WRONG OR FAILED',
      faults.map((line) => `  ${line}`),
    ),
  ].join('\n');
}
