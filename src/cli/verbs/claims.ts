// `coc claims`: the register with its verdicts; `index` and `check` look after the sentence index.
import type { Command } from 'commander';
import { Option } from 'commander';
import { InputError } from '../../base/errors';
import type { Claim } from '../../claims/register';
import { notebooks } from '../../claims/register';
import type { Judgement, Verdict } from '../../claims/verdict';
import { verdicts } from '../../claims/verdict';
import { jsonOption, print } from '../output';

interface Options {
  json?: boolean;
  verdict?: Verdict;
  seed?: Claim['seed'];
  notebook?: Claim['test']['notebook'];
  section?: string;
  page?: string | true;
  seeds?: string;
}

export function define(command: Command): void {
  command
    .argument('[ID]', 'show one claim with everything known about it')
    .addOption(new Option('--verdict <verdict>', 'only claims with this verdict').choices(verdicts))
    .addOption(new Option('--seed <seed>', 'only claims of one source document').choices(['cost', 'cva']))
    .addOption(new Option('--notebook <name>', 'only claims that a notebook tests').choices(notebooks))
    .option('--section <section>', 'only claims of one section of its document, `4.1` or `table 1`')
    .option('--page [file]', 'write all of them as one web page with filters (default: paper/claims.html)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nVerdicts are computed from the recorded results (figures/recorded) by the rule in each row of paper/claims.yaml.' +
        '\nBeside them stand the numbers of this clone\u2019s last own run (figures/quick/results), where the present code made' +
        '\nthem; they set no verdict.' +
        '\n\n  coc claims --section 4.1              what became of one section' +
        '\n  coc claims --verdict "not reproduced"  one verdict' +
        '\n  coc claims sagittal-read-slower       one claim with everything known of it' +
        '\n  coc claims --page claims.html         a page to filter and to pass on',
    )
    .action(show);
  command
    .command('index')
    .description('build paper/sentences.yaml anew from the source documents; what was mapped is kept by hash')
    .requiredOption('--seeds <folder>', 'folder with the two source documents')
    .addOption(jsonOption())
    .action((_: Options, sub: Command) => index(sub.optsWithGlobals()));
  command
    .command('check')
    .description('check register and sentence index; with the source documents, sentence by sentence')
    .option('--seeds <folder>', 'folder with the two source documents')
    .addOption(jsonOption())
    .action((_: Options, sub: Command) => check(sub.optsWithGlobals()));
}

async function show(id: string | undefined, options: Options): Promise<void> {
  const { loadRegister } = await import('../../claims/register.js');
  const { judgeAll } = await import('../../claims/verdict.js');
  const { claimRow } = await import('../../claims/row.js');
  const { claimText, summarise, summaryText } = await import('../../claims/summary.js');
  const { loadResults, recordedDir } = await import('../../results/store.js');
  const { ownResults } = await import('../../reproduce/own-results.js');
  const recorded = loadResults(recordedDir());
  const { results: here, stale } = await ownResults();
  if (options.page !== undefined) {
    refuseFilters(id, options);
    const { writeClaimsPage } = await import('../../publish/recorded.js');
    const target = options.page === true ? undefined : options.page;
    const file = await writeClaimsPage({ here, ...(target !== undefined && { file: target }) });
    print(options, { page: file, stale }, [file, ...staleLines(stale)].join('\n'));
    return;
  }
  const all = judgeAll(loadRegister(), recorded);
  if (id !== undefined) {
    const one = all.find(({ claim }) => claim.id === id);
    if (!one)
      throw unknownClaim(
        id,
        all.map((j) => j.claim.id),
      );
    const row = claimRow(one, recorded, here);
    print(options, row, claimText(row));
    return;
  }
  const wanted = ({ verdict, claim }: Judgement): boolean =>
    (!options.verdict || verdict === options.verdict) &&
    (!options.seed || claim.seed === options.seed) &&
    (!options.notebook || claim.test.notebook === options.notebook) &&
    (!options.section || claim.section === options.section);
  const summary = summarise(all.filter(wanted), recorded, here);
  if (options.section && summary.total === 0) requireSection(options.section, all);
  print(options, { ...summary, stale }, [summaryText(summary), ...staleLines(stale)].join('\n'));
}

const staleLines = (stale: readonly string[]): string[] =>
  stale.length > 0
    ? [`Left out, since the present code did not make them: quick results of ${stale.join(', ')}.`]
    : [];

/** The page filters by itself. */
function refuseFilters(id: string | undefined, { verdict, seed, notebook, section }: Options): void {
  const given = [id, verdict, seed, notebook, section].filter(Boolean);
  if (given.length === 0) return;
  throw new InputError({
    what: 'cannot write a page of some claims',
    given: `--page with ${given.join(', ')}`,
    expected: '--page alone: the page holds all claims and filters them itself',
    fix: 'leave the filter out; in the page it stands in the address and can be passed on',
  });
}

/** @throws InputError where no claim at all stands in a section of this name */
function requireSection(section: string, all: readonly Judgement[]): void {
  const known = [...new Set(all.map(({ claim }) => claim.section))];
  if (known.includes(section)) return;
  throw new InputError({
    what: 'cannot list the claims of a section',
    given: `--section ${section}`,
    expected: known.join(', '),
    fix: 'use one of these',
  });
}

function unknownClaim(id: string, ids: string[]): Error {
  const near = ids.filter((other) => other.includes(id) || other.split(/[.-]/).some((w) => id.includes(w)));
  return new InputError({
    what: 'cannot show the claim',
    given: `the id ${id}`,
    expected: 'an id of the register',
    fix: `\`coc claims\` lists them${near.length > 0 ? `; near it are ${near.slice(0, 5).join(', ')}` : ''}`,
  });
}

async function index(options: Options): Promise<void> {
  const { existsSync } = await import('node:fs');
  const sentences = await import('../../claims/sentences.js');
  const old = existsSync(sentences.indexFile()) ? sentences.loadIndex() : undefined;
  const built = sentences.rebuildIndex(sentences.loadSeeds(options.seeds!), old);
  sentences.saveIndex(built);
  const entries = [...built.cost, ...built.cva];
  const open = entries.filter((e) => !e.claims && !e.reason).length;
  const text = `paper/sentences.yaml: ${entries.length} sentences, ${open} not mapped yet`;
  print(options, { sentences: entries.length, unmapped: open }, text);
}

async function check(options: Options): Promise<void> {
  const sentences = await import('../../claims/sentences.js');
  const { loadRegister, resultProblems } = await import('../../claims/register.js');
  const { loadResults, recordedDir } = await import('../../results/store.js');
  const register = loadRegister();
  const map = sentences.loadIndex();
  const problems = [
    ...resultProblems(register, new Set(loadResults(recordedDir()).keys())),
    ...(options.seeds
      ? sentences.checkSentences(sentences.loadSeeds(options.seeds), map, register)
      : sentences.checkIndex(map, register)),
  ];
  const scope = options.seeds ? 'against the documents' : 'without the documents (give --seeds to compare)';
  const verdict =
    problems.length === 0
      ? `${register.length} claims and ${map.cost.length + map.cva.length} sentences agree, checked ${scope}`
      : `${problems.length} problems, checked ${scope}:\n${problems.join('\n')}`;
  print(options, { problems, withDocuments: options.seeds !== undefined }, verdict);
  if (problems.length > 0) process.exitCode = 1;
}
