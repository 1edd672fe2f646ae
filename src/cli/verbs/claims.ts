// `coc claims`: the register with its verdicts; `index` and `check` look after the sentence index.
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Claim } from '../../claims/register';
import type { Verdict } from '../../claims/verdict';
import { verdicts } from '../../claims/verdict';
import { jsonOption, print } from '../output';

interface Options {
  json?: boolean;
  verdict?: Verdict;
  seed?: Claim['seed'];
  seeds?: string;
}

export function define(command: Command): void {
  command
    .argument('[ID]', 'show one claim with everything known about it')
    .addOption(new Option('--verdict <verdict>', 'only claims with this verdict').choices(verdicts))
    .addOption(new Option('--seed <seed>', 'only claims of one source document').choices(['cost', 'cva']))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nVerdicts are computed from the recorded results (figures/recorded) by the rule in each row of paper/claims.yaml.',
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
  const results = loadResults(recordedDir());
  let judged = judgeAll(loadRegister(), results);
  if (id !== undefined) {
    const one = judged.find((j) => j.claim.id === id);
    if (!one)
      throw await unknownClaim(
        id,
        judged.map((j) => j.claim.id),
      );
    const row = claimRow(one, results);
    print(options, row, claimText(row));
    return;
  }
  judged = judged.filter(
    (j) =>
      (!options.verdict || j.verdict === options.verdict) && (!options.seed || j.claim.seed === options.seed),
  );
  const summary = summarise(judged, results);
  print(options, summary, summaryText(summary));
}

async function unknownClaim(id: string, ids: string[]): Promise<Error> {
  const { InputError } = await import('../../base/errors.js');
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
