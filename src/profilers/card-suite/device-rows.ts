// Tables of what is the card's own: its memory, its features, and what these bring.
import { quantile } from '../../base/interval';
import type { Table } from '../../results/result';
import { agree, agreement, quartiles, tolerance } from './agreement';
import { allocatedSchema } from './allocator';
import { featuresSchema, tiledSchema, wantedFeatures } from './features';
import { number, outcomesOf, type PartsFound, type Row, short, shortOrNull, text } from './found';
import { gatheredBytes, gatherUnits } from './gather';
import { measuredMemorySchema } from './memory';
import { timedSchema } from './times';

const MiB = 2 ** 20;

/** Memory of a few steps in every reading that there is, beyond what the inputs and the engine held before. */
export function memoryTable(found: PartsFound): Table {
  const mib = (bytes: number | null | undefined): number | null =>
    bytes === null || bytes === undefined ? null : short(bytes / MiB, 6);
  const beyond = (peak: number | null, before: number | null): number | null =>
    peak === null || before === null ? null : peak - before;
  const rows = outcomesOf(found, 'memory').map(({ engine, id, outcome }): Row => {
    const none = {
      inputs: null,
      ledger: null,
      buffers: null,
      kept: null,
      allocator: null,
      process: null,
      card: null,
    };
    if ('failed' in outcome) return { engine, step: id, ...none, message: `failed: ${outcome.failed}` };
    const { inputBytes, ledgerBytes, usedBytes, allocatedBytes } = measuredMemorySchema.parse(outcome.result);
    const { driver, printed } = outcome;
    // Of several allocators the one that held most is the device's.
    const [allocator] = allocatedSchema
      .array()
      .parse(printed ?? [])
      .sort((a, b) => b.peak - a.peak);
    return {
      engine,
      step: id,
      inputs: mib(inputBytes),
      ledger: mib(ledgerBytes),
      buffers: mib(usedBytes),
      kept: mib(allocatedBytes),
      allocator: mib(allocator?.peak),
      process: driver ? beyond(driver.peak.process, driver.before.process) : null,
      card: driver ? beyond(driver.peak.card, driver.before.card) : null,
      message: allocator ? `allocator ${allocator.allocator}` : '',
    };
  });
  const columns = [
    text('engine', 'Engine'),
    text('step', 'Step'),
    number('inputs', 'Inputs', 'MiB', 2),
    number('ledger', 'Dry run, most', 'MiB', 2),
    number('buffers', 'Buffers in use, most', 'MiB', 2),
    number('kept', 'Buffers asked of the device, most', 'MiB', 2),
    number('allocator', "TensorFlow's allocator, most", 'MiB', 2),
    number('process', 'Driver, this process, increase', 'MiB', 0),
    number('card', 'Driver, whole card, increase', 'MiB', 0),
    text('message', 'Remark'),
  ];
  return { columns, rows };
}

/** What the WebGPU adapter has: wanted features first, then all limits. */
export function featuresTable(found: PartsFound): Table {
  const rows = outcomesOf(found, 'features').flatMap(({ id, outcome }): Row[] => {
    if (id !== 'adapter') return [];
    if ('failed' in outcome) return [{ what: 'adapter', value: `failed: ${outcome.failed}` }];
    const { features, limits, subgroupSizes, subgroupMatrices } = featuresSchema.parse(outcome.result);
    const others = features.filter((name) => !wantedFeatures.includes(name));
    return [
      ...wantedFeatures.map((name) => ({ what: name, value: features.includes(name) ? 'yes' : 'no' })),
      { what: 'sizes of subgroups', value: subgroupSizes ? subgroupSizes.join(' to ') : 'none' },
      ...subgroupMatrices.map(({ componentType, resultComponentType, M, N, K }) => ({
        what: 'subgroup matrix',
        value: `${M} x ${K} by ${K} x ${N}, ${componentType} to ${resultComponentType}`,
      })),
      { what: 'other features', value: others.join(' ') || 'none' },
      ...Object.entries(limits).map(([what, value]) => ({ what, value })),
    ];
  });
  return { columns: [text('what', 'Feature or limit'), text('value', 'Adapter')], rows };
}

/** What our product reaches by the tiling, and what half precision brings beside float32 of the same tiling. */
export function tilingsTable(found: PartsFound): Table {
  const rows = outcomesOf(found, 'features').flatMap(({ id, outcome }): Row[] => {
    if (id !== 'tilings') return [];
    const none = { size: null, error: null, ms: null, rate: null };
    if ('failed' in outcome)
      return [{ tiling: 'all', numbers: '', ...none, message: `failed: ${outcome.failed}` }];
    const { size, products } = tiledSchema.parse(outcome.result);
    return products.map(({ tiling, numbers, error, milliseconds, why }) => ({
      tiling: `${tiling.tileM} x ${tiling.tileN} x ${tiling.tileK}, ${tiling.perM} x ${tiling.perN} a thread`,
      numbers,
      size,
      error: shortOrNull(error),
      ms: shortOrNull(milliseconds),
      rate: milliseconds === null ? null : short((2 * size ** 3) / milliseconds / 1e6),
      message: why ?? '',
    }));
  });
  const columns = [
    text('tiling', 'Tiling'),
    text('numbers', 'Numbers'),
    number('size', 'Size, cubed', '1', 0),
    { key: 'error', title: 'Largest error', unit: '1', align: 'right' as const },
    number('ms', 'Least, on the device', 'ms', 4),
    number('rate', 'Rate', 'GFLOP/s', 1),
    text('message', 'Remark'),
  ];
  return { columns, rows };
}

/** Three planes through a voxel, by layout and engine. */
export function gatherTable(found: PartsFound): Table {
  const units = [...gatherUnits(false), ...gatherUnits(true)];
  const all = outcomesOf(found, 'gather').flatMap(({ engine, id, outcome }) => {
    const unit = units.find((one) => one.id === id);
    if (!unit) return [];
    return [{ engine, unit, timed: 'failed' in outcome ? outcome : timedSchema.parse(outcome.result) }];
  });
  const rows = all.map(({ engine, unit, timed }): Row => {
    const common = { size: unit.size, layout: unit.layout, engine };
    if ('failed' in timed) {
      const none = { ms: null, low: null, high: null, alone: null, rate: null };
      return { ...common, ...none, agrees: `failed: ${timed.failed}` };
    }
    const ms = quantile(timed.samples, 0.5);
    // Whatever the layout and the engine, the planes are the same.
    const others = all.flatMap((row) =>
      row.unit.size === unit.size && (row.engine !== engine || row.unit !== unit) && !('failed' in row.timed)
        ? [{ name: `${row.engine} ${row.unit.layout}`, timed: row.timed }]
        : [],
    );
    const far = others.filter((other) => !agree(timed, other.timed, tolerance.float32));
    return {
      ...common,
      ms: short(ms),
      ...quartiles(timed.samples),
      alone: short(timed.aloneMs),
      rate: short(gatheredBytes(unit) / ms / 1e6),
      agrees: agreement(others, far, 'VALUE'),
    };
  });
  const columns = [
    number('size', 'Voxels along an edge', '1', 0),
    text('layout', 'Layout'),
    text('engine', 'Engine'),
    number('ms', 'Median of three planes', 'ms', 4),
    number('low', 'Lower quartile', 'ms', 4),
    number('high', 'Upper quartile', 'ms', 4),
    number('alone', 'Waited for alone', 'ms', 4),
    number('rate', 'Samples gathered', 'GB/s', 2),
    text('agrees', 'Same planes as the others'),
  ];
  return { columns, rows };
}
