// `coc runs`: a view of the run store.
import type { Command } from 'commander';
import { InputError } from '../../base/errors';
import { formatBytes, formatSeconds } from '../../base/progress';
import type { Pruning } from '../../results/run-prune';
import type { RunRecord } from '../../results/run-record';
import type { RunStore } from '../../results/run-store';
import { jsonOption, print } from '../output';

interface Options {
  json?: boolean;
}

export function define(command: Command): void {
  command
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Every run of a study that was finished on this machine is kept by what it depended on (spec, code, packages, data,
backend), and is found again instead of being computed. The store is the folder runs/ of the per-user cache (COC_CACHE).

Examples:
  coc runs                            what is stored, the latest first
  coc runs show 3f2a                  one run: what it was asked for, and each attempt
  coc runs prune --older-than 90      remove what is older than 90 days
  coc runs prune --keep 100 --dry-run say what would go beside the latest 100`,
    )
    .action(list);
  command
    .command('show')
    .description('one run: what it was asked for, what it took, and each attempt')
    .argument('<id>', 'its id, or the beginning of it')
    .addOption(jsonOption())
    .action((id: string, _: Options, sub: Command) => show(id, sub.optsWithGlobals()));
  command
    .command('prune')
    .description('remove stored runs; they are computed again when they are asked for')
    .option('--older-than <days>', 'only runs that ended more than so many days ago', (t) =>
      number('--older-than', t),
    )
    .option('--keep <n>', 'keep the latest n', (t) => number('--keep', t))
    .option('--dry-run', 'say what would go, and remove nothing')
    .addOption(jsonOption())
    .action((_: Options, sub: Command) => removeOld(sub.optsWithGlobals()));
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0) return value;
  throw new InputError({
    what: `cannot take ${option}`,
    given: `"${text}"`,
    expected: 'a whole number, 0 or more',
    fix: `for example ${option} 90`,
  });
}

async function open(): Promise<RunStore> {
  const { RunStore } = await import('../../results/run-store.js');
  return new RunStore();
}

async function list(options: Options): Promise<void> {
  const store = await open();
  const { sizeOf } = await import('../../results/run-prune.js');
  const records = store.list();
  const rows = records.map((record) => ({ ...brief(record), bytes: sizeOf(store, record.identity.hash) }));
  const done = new Set(records.map((r) => r.identity.hash));
  const unfinished = store
    .hashes()
    .filter((hash) => !done.has(hash))
    .flatMap((hash) => {
      const request = store.request(hash);
      if (!request) return [];
      const attempts = store.attempts(hash).filter((a) => a.event === 'began').length;
      return [{ id: hash, study: request.study, attempts, by: store.ownerOf(hash) ?? null }];
    });
  const text = [
    ...rows.map((r) => `${lineOf(r)} ${formatBytes(r.bytes).padStart(8)}`),
    ...unfinished.map(
      ({ id, study, attempts, by }) =>
        `${id.slice(0, 12)}  ${study}: ${by ? `computed now by ${by}` : 'not finished'}, attempts ${attempts}`,
    ),
    `${rows.length} runs in ${store.dir}, ${formatBytes(rows.reduce((sum, r) => sum + r.bytes, 0))}`,
  ];
  print(options, { dir: store.dir, runs: rows, unfinished }, text.join('\n'));
}

type Brief = ReturnType<typeof brief>;

function brief({ identity, study, part, mode, date, cost, device }: RunRecord) {
  return { id: identity.hash, study, part, mode, date, ...cost, cpu: device.cpu };
}

function lineOf({ id, study, part, mode, date, seconds, memoryMB }: Brief): string {
  const when = date.slice(0, 16).replace('T', ' ');
  const name = `${study}${part ? ' (of a sweep)' : ''}`;
  return `${id.slice(0, 12)}  ${name.padEnd(28)} ${mode.padEnd(5)} ${when}  ${formatSeconds(seconds).padStart(11)} ${`${memoryMB} MB`.padStart(8)}`;
}

async function show(id: string, options: Options): Promise<void> {
  const store = await open();
  const matching = store.hashes().filter((hash) => hash.startsWith(id));
  if (matching.length !== 1) {
    throw new InputError({
      what: 'cannot show the run',
      given: `${id}, which ${matching.length === 0 ? 'no run' : `${matching.length} runs`} of ${store.dir} begins with`,
      expected: 'the beginning of one id',
      fix: '`coc runs` lists them',
    });
  }
  const [hash] = matching;
  const record = store.find(hash)?.record ?? null;
  const request = store.request(hash) ?? null;
  const attempts = store.attempts(hash);
  const by = store.ownerOf(hash) ?? null;
  const text = [
    `id        ${hash}`,
    `study     ${request?.study ?? record?.study ?? 'unknown'}`,
    `spec      ${JSON.stringify(request?.spec ?? record?.spec)}`,
    ...(record
      ? [
          `finished  ${record.date}, ${formatSeconds(record.cost.seconds)}, ${record.cost.memoryMB} MB, ${record.device.cpu}, ${record.device.cores} cores`,
          `commit    ${record.commit}${record.dirty ? ' with changes' : ''}`,
          `code      ${Object.keys(record.identity.modules).length} modules, ${record.identity.code.slice(0, 12)}`,
          ...Object.entries(record.identity.data).map(
            ([name, digest]) => `data      ${name} ${digest.slice(0, 12)}`,
          ),
        ]
      : [`finished  no${by ? `: computed now by ${by}` : ''}`]),
    'attempts',
    ...attempts.map(
      ({ event, date, host, pid, node, resumed, seconds, error }) =>
        `  ${date}  ${event}${resumed ? ' at its checkpoint' : ''}${seconds === undefined ? '' : ` after ${formatSeconds(seconds)}`}, process ${pid} on ${host}, Node ${node}${error ? `: ${error}` : ''}`,
    ),
  ];
  print(options, { id: hash, request, record, attempts, by }, text.join('\n'));
}

async function removeOld({
  olderThan,
  keep,
  dryRun,
  json,
}: Options & { olderThan?: number; keep?: number; dryRun?: boolean }): Promise<void> {
  if (olderThan === undefined && keep === undefined) {
    throw new InputError({
      what: 'cannot prune the run store',
      given: 'neither --older-than nor --keep',
      expected: 'at least one of them',
      fix: 'for example --older-than 90; --keep 0 removes everything',
    });
  }
  const pruning: Pruning = { days: olderThan, keep };
  const store = await open();
  const { prunable, prune } = await import('../../results/run-prune.js');
  const going = prunable(store, pruning);
  if (!dryRun) prune(store, going);
  const removed = going.map(({ hash, bytes, record }) => ({ id: hash, bytes, study: record?.study ?? null }));
  const total = formatBytes(going.reduce((sum, r) => sum + r.bytes, 0));
  const text = [
    ...going.map(({ hash, record }) =>
      record ? lineOf(brief(record)) : `${hash.slice(0, 12)}  not finished`,
    ),
    `${going.length} runs, ${total} ${dryRun ? 'would go' : 'removed'}`,
  ];
  print({ json }, { removed, dryRun: dryRun ?? false }, text.join('\n'));
}
