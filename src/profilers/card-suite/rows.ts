// From what the parts of the suite found to the tables of its record.
import { quantile } from '../../base/interval';
import type { Finding, Table } from '../../results/result';
import type { Card } from '../cards';
import { agree, agreement, quartiles, sameLosses, tolerance } from './agreement';
import { checkedSchema } from './checks';
import { featuresTable, gatherTable, memoryTable, tilingsTable } from './device-rows';
import { number, outcomesOf, type PartsFound, type Row, short, shortOrNull, stateOf, text } from './found';
import type { PartState } from './part';
import type { Timed } from './times';
import { samGoalsTable, samTable } from './sam-rows';
import { steppedSchema } from './steps';
import { timedSchema } from './times';
import type { TimedUnit } from './units';

/** Every part: what became of it, what it computed on. */
export function partsTable({ parts, states }: PartsFound): Table {
  const rows = parts.map((part): Row => {
    const state = states[part.name] as PartState | undefined;
    const outcomes = Object.values(state?.units ?? {});
    return {
      part: part.name,
      state: stateOf(part, state),
      device: state?.facts?.device ?? null,
      units: part.units.length,
      done: outcomes.filter((one) => 'result' in one).length,
      failed: outcomes.filter((one) => 'failed' in one).length,
      seconds: state ? short(state.seconds, 3) : null,
    };
  });
  const columns = [
    text('part', 'Part'),
    text('state', 'State'),
    text('device', 'Device'),
    number('units', 'Units', '1', 0),
    number('done', 'Done', '1', 0),
    number('failed', 'Failed', '1', 0),
    number('seconds', 'Time', 's', 1),
  ];
  return { columns, rows };
}

/** Every operation and gradient on every engine; a case that ended its process is `failed`. */
export function checksTable(found: PartsFound): Table {
  const rows = outcomesOf(found, 'checks').map(({ engine, id, outcome }): Row => {
    if ('failed' in outcome)
      return { engine, case: id, status: 'failed', value: null, gradient: null, message: outcome.failed };
    const { status, valueError, gradientError, message } = checkedSchema.parse(outcome.result);
    const errors = { value: shortOrNull(valueError), gradient: shortOrNull(gradientError) };
    return { engine, case: id, status, ...errors, message };
  });
  const columns = [
    text('engine', 'Engine'),
    text('case', 'Case'),
    text('status', 'Status'),
    // Relative errors span many powers of ten: no fixed decimals.
    { key: 'value', title: 'Largest error of values', unit: '1', align: 'right' as const },
    { key: 'gradient', title: 'Largest error of gradients', unit: '1', align: 'right' as const },
    text('message', 'Message'),
  ];
  return { columns, rows };
}

interface TimeRow {
  unit: TimedUnit;
  precision: 'float32' | 'TF32';
  engine: string;
  timed: Timed | { failed: string };
}

function timeRows(found: PartsFound, units: readonly TimedUnit[]): TimeRow[] {
  const of = (task: string, precision: TimeRow['precision']): TimeRow[] =>
    outcomesOf(found, task).flatMap(({ engine, id, outcome }): TimeRow[] => {
      const unit = units.find((one) => one.id === id);
      if (!unit) return [];
      const timed = 'failed' in outcome ? outcome : timedSchema.parse(outcome.result);
      return [{ unit, precision, engine, timed }];
    });
  return [...of('times', 'float32'), ...of('times tf32', 'TF32')];
}

/** Time, rate and share of the card's peak of every unit on every engine. */
export function timesTable(found: PartsFound, units: readonly TimedUnit[], sheet: Card | undefined): Table {
  const all = timeRows(found, units);
  const rows = all.map(({ unit, precision, engine, timed }): Row => {
    const common = { unit: unit.id, precision, engine };
    const none = { low: null, high: null, alone: null, calls: null, rate: null, share: null };
    if ('failed' in timed) return { ...common, ms: null, ...none, agrees: `failed: ${timed.failed}` };
    const ms = quantile(timed.samples, 0.5);
    const rate = unit.flop / ms / 1e6;
    const peak = sheet?.flops[precision === 'TF32' ? 'tf32' : 'fp32'] ?? null;
    const others = all.flatMap((row) =>
      row.unit === unit && row.precision === precision && row.engine !== engine && !('failed' in row.timed)
        ? [{ name: row.engine, timed: row.timed }]
        : [],
    );
    const far = others.filter((other) => !agree(timed, other.timed, tolerance[precision]));
    return {
      ...common,
      ms: short(ms),
      ...quartiles(timed.samples),
      alone: short(timed.aloneMs),
      calls: timed.calls,
      rate: short(rate),
      share: peak === null ? null : short((rate * 1e9) / peak),
      agrees: agreement(others, far, 'VALUE'),
    };
  });
  const columns = [
    text('unit', 'Unit'),
    text('precision', 'Precision'),
    text('engine', 'Engine'),
    number('ms', 'Median', 'ms', 4),
    number('low', 'Lower quartile', 'ms', 4),
    number('high', 'Upper quartile', 'ms', 4),
    number('alone', 'Waited for alone', 'ms', 4),
    number('calls', 'Calls in a sample', '1', 0),
    number('rate', 'Rate', 'GFLOP/s', 1),
    number('share', "Share of the card's peak", '1', 3),
    text('agrees', 'Same value as the others'),
  ];
  return { columns, rows };
}

/** Training steps: captured and eager, each engine; their losses must agree. */
export function stepsTable(found: PartsFound): Table {
  const all = outcomesOf(found, 'steps').map(({ engine, id, outcome }) => {
    const [step, way] = id.split(' ');
    const stepped = 'failed' in outcome ? outcome : steppedSchema.parse(outcome.result);
    return { step, way, engine, stepped };
  });
  const rows = all.map((row): Row => {
    const { step, way, engine, stepped } = row;
    const common = { step, engine, way };
    if ('failed' in stepped)
      return {
        ...common,
        ms: null,
        low: null,
        high: null,
        first: null,
        loss: null,
        agrees: `failed: ${stepped.failed}`,
      };
    const others = all.flatMap((other) =>
      other !== row && other.step === step && !('failed' in other.stepped)
        ? [{ name: `${other.engine} ${other.way}`, losses: other.stepped.losses }]
        : [],
    );
    const far = others.filter(({ losses }) => !sameLosses(stepped.losses, losses));
    return {
      ...common,
      ms: short(quantile(stepped.samples, 0.5)),
      ...quartiles(stepped.samples),
      first: short(stepped.firstMs),
      loss: short(stepped.losses.at(-1)!, 7),
      agrees: agreement(others, far, 'LOSS'),
    };
  });
  const columns = [
    text('step', 'Training step'),
    text('engine', 'Engine'),
    text('way', 'Way'),
    number('ms', 'Median', 'ms', 3),
    number('low', 'Lower quartile', 'ms', 3),
    number('high', 'Upper quartile', 'ms', 3),
    number('first', 'Opening and first step', 'ms', 0),
    number('loss', 'Loss of the fourth step', '1', 6),
    text('agrees', 'Same losses as the others'),
  ];
  return { columns, rows };
}

/** Products on WebGPU reach at least this share of PyTorch's float32 rate. */
export const productGoal = 0.5;

/** The goal of products on WebGPU, a row each with its verdict; small ones, which measure calls rather than products, have none. */
export function goalsTable(found: PartsFound, units: readonly TimedUnit[]): Table {
  const all = timeRows(found, units).filter(({ precision }) => precision === 'float32');
  const medianOf = (unit: TimedUnit, engine: string): number | string => {
    const row = all.find((one) => one.unit === unit && one.engine === engine);
    if (row) return 'failed' in row.timed ? `${engine} failed` : quantile(row.timed.samples, 0.5);
    const part = found.parts.find(({ name }) => name === `${engine} times`);
    const why = part ? stateOf(part, found.states[part.name]) : 'not run';
    return `${engine}: ${why.replace(/^not testable here: /, '')}`;
  };
  const products = units.filter((unit) => unit.op === 'product');
  const rows = products.map((unit): Row => {
    const [ours, peer] = [medianOf(unit, 'webgpu'), medianOf(unit, 'torch')];
    const goal = unit.op === 'product' && Math.min(unit.m, unit.n) >= 512 ? productGoal : null;
    if (typeof ours === 'string' || typeof peer === 'string') {
      const missing = [ours, peer].filter((one) => typeof one === 'string').join('; ');
      const [oursMs, peerMs] = [ours, peer].map((one) => (typeof one === 'string' ? null : short(one)));
      return { unit: unit.id, oursMs, peerMs, share: null, goal, verdict: `not testable here: ${missing}` };
    }
    const share = peer / ours;
    const verdict = goal === null ? 'reported' : share >= goal ? 'met' : 'missed';
    return { unit: unit.id, oursMs: short(ours), peerMs: short(peer), share: short(share), goal, verdict };
  });
  const columns = [
    text('unit', 'Product, float32'),
    number('oursMs', 'webgpu', 'ms', 4),
    number('peerMs', 'PyTorch', 'ms', 4),
    number('share', "Share of PyTorch's rate", '1', 3),
    number('goal', 'At least', '1', 2),
    text('verdict', 'Verdict'),
  ];
  return { columns, rows };
}

/** Every table of the record as a finding, by the end of its id. */
export function findingsOf(
  study: string,
  found: PartsFound,
  units: readonly TimedUnit[],
  sheet: Card | undefined,
): Finding[] {
  const table = (end: string, title: string, content: Table, source?: string): Finding => ({
    id: `${study}.${end}`,
    title,
    kind: 'measured',
    unit: '',
    uncertainty: null,
    table: content,
    ...(source !== undefined && { source }),
  });
  return [
    table('parts', 'Parts of the card suite and what became of them', partsTable(found)),
    table('checks', 'Every operation and gradient on the card', checksTable(found)),
    table(
      'times',
      'Times of products and convolutions on the card',
      timesTable(found, units, sheet),
      sheet ? `peak: ${sheet.source}` : 'no data sheet of this card is at hand: no shares of a peak',
    ),
    table('steps', 'Training steps on the card', stepsTable(found)),
    table('goals', "Products on WebGPU against PyTorch's in float32", goalsTable(found, units)),
    table('memory', 'Memory of a few steps in several readings', memoryTable(found)),
    table('features', 'Features and limits of the WebGPU adapter', featuresTable(found)),
    table('tilings', 'Products on WebGPU by tiling and precision', tilingsTable(found)),
    table('sam', 'Training steps of SAM on the card, ours and PyTorch’s', samTable(found)),
    table(
      'sam-goals',
      'The fastest of our training steps of SAM against PyTorch’s eager one',
      samGoalsTable(found),
    ),
    table('gather', 'Three planes of a volume that lies on the card, by its layout', gatherTable(found)),
  ];
}
