// `coc data`: the data sets of the manifests: list, fetch, verify; and synthetic heads.
import type { Command } from 'commander';
import { Option } from 'commander';
import { createInterface } from 'node:readline/promises';
import { InputError } from '../../base/errors';
import { formatBytes } from '../../base/progress';
import type { Outcome, Report } from '../../datasets/fetch';
import type { DataFile, Manifest, Role } from '../../datasets/manifest';
import type { Selection } from '../../datasets/select';
import { jsonOption, print, terminal } from '../output';

interface Choice {
  split?: string;
  role?: string[];
  subject?: string[];
  json?: boolean;
}

interface FetchChoice extends Choice {
  dryRun?: boolean;
  yes?: boolean;
  parallel: number;
}

/** Above this a person at a terminal is asked first. */
const ASK_ABOVE = 1e9;

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
A file is taken from the folder COC_DATA_MIRROR/<data set>/<path> if it is there, else from its address. Its hash decides
either way. Downloads are kept once per user (COC_CACHE) and placed under .data/ (COC_DATA).

Examples:
  coc data list                                      every data set, its size and licence
  coc data list brats2015-deepmedic                  its files
  coc data fetch msd-task04-hippocampus --split test
  coc data fetch msd-task04-hippocampus --role archive   the publisher's archive, unpacked
  coc data verify brats2015-deepmedic                hash what is in place again
  coc data synth head.nii.gz --seed 1 --labels labels.nii.gz --thickness 5`,
  );
  command
    .command('list')
    .description('the data sets, or the files of one')
    .argument('[dataset]', 'a name, or the path of a manifest of your own (.json)')
    .addOption(jsonOption())
    .action(list);
  choosing(command.command('fetch').description('fetch files and check them'))
    .option('--dry-run', 'say what would be fetched, and fetch nothing')
    .option('--yes', 'do not ask before a large download')
    .addOption(new Option('--parallel <n>', 'files in hand at once').default(4).argParser(wholeNumber))
    .addHelpText(
      'after',
      `
Files that cannot be had are named and counted and do not stop the rest. Exit code 1: a file is wrong, or nothing at all
could be had.`,
    )
    .action(fetch);
  choosing(command.command('verify').description('hash the files in place again; fetches nothing'))
    .addHelpText('after', '\nExit code 1: a file is wrong, or none is in place.')
    .action(verify);
  command
    .command('synth')
    .description('write a synthetic head: an invented person with a tumour, the same bytes for the same seed')
    .argument('<out>', 'a .nii or .nii.gz file')
    .option('--seed <seed>', 'any text or number', '1')
    .option('--labels <file>', 'write the labels (BRATS 2015 classes) to this file too')
    .addOption(new Option('--contrast <name>', 'the contrast').choices(['flair', 't1c']).default('flair'))
    .option('--thickness <mm>', 'thickness of the acquired slices along z', Number, 1)
    .addOption(jsonOption())
    .action(synth);
}

function choosing(command: Command): Command {
  return command
    .argument('<dataset>', 'a name, or the path of a manifest of your own (.json)')
    .option('--split <name>', 'only the subjects of this split')
    .option(
      '--role <role...>',
      'only files of these roles: image, label, mask, licence, archive, weights, ...',
    )
    .option('--subject <id...>', 'only these subjects')
    .addOption(jsonOption());
}

function wholeNumber(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 1 && n <= 32) return n;
  throw new InputError({
    what: '--parallel cannot be used',
    given: `"${text}"`,
    expected: 'a whole number from 1 to 32',
    fix: 'leave it out for 4',
  });
}

async function selectionOf({ split, role, subject }: Choice): Promise<Selection> {
  const { roles } = await import('../../datasets/manifest.js');
  for (const name of role ?? []) {
    if (!(roles as readonly string[]).includes(name)) {
      throw new InputError({
        what: 'there is no such role',
        given: `"${name}"`,
        expected: `one of ${roles.join(', ')}`,
        fix: 'choose one of these, or leave --role out',
      });
    }
  }
  return { split, roles: role as Role[] | undefined, subjects: subject };
}

async function list(dataset: string | undefined, options: { json?: boolean }): Promise<void> {
  const { listManifests, loadManifest } = await import('../../datasets/manifest.js');
  if (dataset !== undefined) {
    const manifest = loadManifest(dataset);
    const lines = manifest.files.map(
      (f) =>
        `  ${size(f.bytes).padStart(9)}  ${f.role.padEnd(8)} ${[f.subject, f.channel].filter(Boolean).join(' ').padEnd(30)} ${f.path}${f.verified === false ? '  (hash not checked by us)' : ''}`,
    );
    print(options, manifest, [...header(manifest), ...lines].join('\n'));
    return;
  }
  const { selectFiles } = await import('../../datasets/select.js');
  const manifests = listManifests().map((name) => loadManifest(name));
  const rows = manifests.map((m) => ({
    name: m.name,
    title: m.title,
    files: selectFiles(m).length,
    bytes: sum(selectFiles(m)),
    licence: m.licence.id,
    subjects: new Set(m.files.flatMap((f) => f.subject ?? [])).size,
    splits: Object.fromEntries(Object.entries(m.splits).map(([split, members]) => [split, members.length])),
  }));
  const text = rows.map(
    (r) =>
      `${r.name.padEnd(24)} ${String(r.files).padStart(4)} files ${size(r.bytes).padStart(9)}  ${r.licence.padEnd(18)}  ${r.title}`,
  );
  print(options, rows, text.join('\n'));
}

async function fetch(dataset: string, options: FetchChoice): Promise<void> {
  const { loadManifest } = await import('../../datasets/manifest.js');
  const { selectFiles, placeOf } = await import('../../datasets/select.js');
  const { fetchFiles } = await import('../../datasets/fetch.js');
  const { existsSync } = await import('node:fs');
  const manifest = loadManifest(dataset);
  const selection = await selectionOf(options);
  const files = selectFiles(manifest, selection);
  const missing = files.filter((f) => !existsSync(placeOf(manifest, f)));
  const plan = [
    ...header(manifest),
    `chosen: ${files.length} files, ${size(sum(files))}; not in place yet: ${missing.length} files, ${size(sum(missing))}`,
  ];
  if (options.dryRun) {
    const lines = missing.map((f) => `  ${size(f.bytes).padStart(9)}  ${f.path}`);
    print(options, { dataset: manifest.name, chosen: files.length, missing }, [...plan, ...lines].join('\n'));
    return;
  }
  // What a licence says and how much will come is told before anything does.
  process.stderr.write(`${plan.join('\n')}\n`);
  if (!options.yes && process.stdin.isTTY && process.stderr.isTTY && (sum(missing) ?? 0) > ASK_ABOVE)
    await ask();
  const report = await fetchFiles(manifest, selection, { ...terminal(options), parallel: options.parallel });
  finish(report, options);
}

async function ask(): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question('Fetch it? [y/N] ');
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new InputError({
      what: 'nothing was fetched',
      given: `the answer "${answer.trim()}"`,
      expected: 'y',
      fix: 'choose less with --split, --role or --subject, or pass --yes',
    });
  }
}

async function verify(dataset: string, options: Choice): Promise<void> {
  const { loadManifest } = await import('../../datasets/manifest.js');
  const { verifyFiles } = await import('../../datasets/fetch.js');
  const report = await verifyFiles(loadManifest(dataset), await selectionOf(options), terminal(options));
  finish(report, options);
}

function finish(report: Report, options: { json?: boolean }): void {
  const { ready, absent, wrong, outcomes } = report;
  const from = new Map<string, number>();
  for (const { from: origin } of outcomes) if (origin) from.set(origin, (from.get(origin) ?? 0) + 1);
  const origins = [...from]
    .map(([name, n]) => `${n} from ${name === 'data' ? 'their place' : name}`)
    .join(', ');
  print(
    options,
    report,
    [
      ...outcomes.flatMap(lineOf),
      `${report.dataset}: ${ready} ready${origins ? ` (${origins})` : ''}, ${absent} absent, ${wrong} wrong`,
    ].join('\n'),
  );
  if (wrong > 0 || ready === 0) process.exitCode = 1;
}

/** Nothing for a file that is as it should be; else a line that says why. */
function lineOf({ path, state, trust, sha256, reason, unpacked, place }: Outcome): string[] {
  if (state !== 'ready') return [`${state.padEnd(6)} ${path}: ${reason}`];
  const lines: string[] = [];
  if (trust === 'first use')
    lines.push(`note   ${path}: no hash is known for it; trusted on first use, recorded sha256 ${sha256}`);
  if (trust === 'recorded') lines.push(`note   ${path}: equals what was recorded on first use (${sha256})`);
  if (trust === 'quoted')
    lines.push(`note   ${path}: its sha256 is the one that others publish; nobody here has checked it`);
  if (unpacked !== undefined) lines.push(`note   ${path}: ${unpacked} files unpacked beside ${place}`);
  return lines;
}

async function synth(
  out: string,
  options: { seed: string; labels?: string; contrast: 'flair' | 't1c'; thickness: number; json?: boolean },
): Promise<void> {
  const { syntheticHead } = await import('../../datasets/synthetic-head.js');
  const { writeNifti } = await import('../../volume/write-nifti.js');
  const { sha256 } = await import('../../base/hash.js');
  const long = terminal(options);
  const { seed, contrast, thickness } = options;
  const { image, labels } = syntheticHead({ seed, contrast, sliceThickness: thickness });
  await writeNifti(out, image, long);
  if (options.labels) await writeNifti(options.labels, labels, long);
  const { buffer, byteOffset, byteLength } = image.data;
  const hash = sha256(new Uint8Array(buffer, byteOffset, byteLength));
  print(
    options,
    {
      out,
      labels: options.labels,
      seed,
      contrast,
      thickness,
      dims: image.dims,
      spacing: image.spacing,
      voxelSha256: hash,
    },
    `${out}: synthetic head, seed ${seed}, ${image.dims.join(' x ')}, ${contrast}, ${thickness} mm slices`,
  );
}

function header({ name, title, licence, citation, notes }: Manifest): string[] {
  const flags = [licence.nonCommercial && 'non-commercial', licence.shareAlike && 'share alike'].filter(
    Boolean,
  );
  return [
    `${name}: ${title}`,
    `licence: ${licence.name}${flags.length ? ` (${flags.join(', ')})` : ''}, read at ${licence.readAt}`,
    ...citation.map((line) => `cite: ${line}`),
    ...(notes ?? []).map((line) => `note: ${line}`),
  ];
}

function sum(files: readonly DataFile[]): number | undefined {
  return files.every((f) => f.bytes !== undefined)
    ? files.reduce((total, f) => total + (f.bytes ?? 0), 0)
    : undefined;
}

function size(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : formatBytes(bytes);
}
