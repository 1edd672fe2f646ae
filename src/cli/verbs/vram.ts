// `coc vram`: what a training step needs of a card, by both stacks and every memory policy.
import type { Command } from 'commander';
import { Option } from 'commander';
import { InputError } from '../../base/errors';
import type { Question } from '../../profilers/vram/answer';
import type { CardMemoryName } from '../../profilers/vram/card-memory';
import { cardMemoryNames } from '../../profilers/vram/card-memory';
import { stacks } from '../../profilers/vram/need';
import type { Setting } from '../../profilers/vram/setting';
import { settingAttentions, settingOptimisers, settingPrecisions, studySetting } from '../../profilers/vram/setting'; // prettier-ignore
import { models } from '../../models/registry';
import { jsonOption, print, terminal } from '../output';
import { bytesOf } from '../vram-try';

interface Flags {
  stack: Question['stack'];
  model: Setting['model'];
  size?: number;
  views: number;
  batch: number;
  precision: Setting['precision'];
  train: Setting['trained']['kind'];
  rank?: number;
  firstBlock?: number;
  optimiser: Setting['optimiser'];
  attention?: Setting['attention'];
  policy?: string;
  card?: CardMemoryName;
  table?: number[] | true;
  try?: true;
  limit?: number;
  bisect?: true;
  page?: string | true;
  json?: boolean;
}

const whole =
  (name: string) =>
  (text: string): number => {
    const n = Number(text);
    if (text.trim() !== '' && Number.isInteger(n) && n >= 0) return n;
    throw new InputError({
      what: `cannot take ${name}`,
      given: `"${text}"`,
      expected: 'a whole number',
      fix: `for example ${name} 1`,
    });
  };

export function define(command: Command): void {
  command
    .addOption(
      new Option(
        '--stack <name>',
        'whose step: PyTorch (derived from shapes), or ours on TensorFlow.js (dry run)',
      )
        .choices(stacks)
        .default('pytorch'),
    )
    .addOption(new Option('--model <name>', 'the network').choices(Object.keys(models)).default('sam-vit-h'))
    .option(
      '--size <pixels>',
      'along each side of a picture (default: what the model was made for)',
      whole('--size'),
    ) // prettier-ignore
    .option('--views <n>', 'planes through a voxel: 1, 2 or 3', whole('--views'), 3)
    .option('--batch <n>', 'samples of so many planes', whole('--batch'), 1)
    .addOption(
      new Option('--precision <name>', 'float32; mixed (products in 16 bits); all in bfloat16')
        .choices(settingPrecisions)
        .default('fp32'),
    )
    .addOption(
      new Option('--train <what>', 'low-rank adapters and the decoder; everything; the decoder alone')
        .choices(['lora', 'all', 'decoder'])
        .default('lora'),
    )
    .option('--rank <n>', 'of the adapters (default: 4)', whole('--rank'))
    .option('--first-block <n>', 'the first block with adapters, from 0 (default: 0)', whole('--first-block'))
    .addOption(new Option('--optimiser <name>').choices(settingOptimisers).default('adam'))
    .addOption(
      new Option(
        '--attention <kernel>',
        "PyTorch's: the map is kept; SDPA keeps SAM's positions as a dense bias; positions inside the kernel (default: the model's own)",
      ).choices(settingAttentions),
    )
    .option(
      '--policy <name>',
      'tape; or one or several of per-plane, recompute, lean, chunked, with + between; best: the least peak; cheapest: the least arithmetic that fits --card (default: tape)',
    )
    .addOption(new Option('--card <name>', 'show this card alone').choices(cardMemoryNames))
    .option('--table [batches]', 'every policy, for these batches (default: 1,2,4,8)', (text: string) =>
      text.split(',').map(whole('--table')),
    )
    .option('--page [file]', 'write all of this as a page that needs no server (default: figures/vram.html)')
    .option('--try', 'really run one step of ours in a fresh process, under --limit')
    .option('--limit <size>', 'memory of that process’s tensors: 16GiB, 15360MiB, 6GB', bytesOf)
    .option(
      '--bisect',
      'with --try: find the least limit up to --limit under which the step fits, beginning with what the dry run says',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Says the peak of one training step of the study's network (forward, Eq. 2, backward, optimiser), what it is made of, in which
layer it is reached, the cards that it fits, the largest batch, and what the policy costs in arithmetic. Nothing is computed:
PyTorch's step is derived from shapes, ours is run on shapes alone, to the byte of what TensorFlow.js's engine holds.
A card fits where its driver shows at least as many bytes; the driver's own context (some hundred MB), scratch memory of kernels and
fragmentation come on top. Dry runs take a second or two and are kept in the cache. Of SAM 3 it is the vision trunk alone, whose
step ends with a gradient for each feature: its decoder is not computed here.

--try computes on the processor of this machine, with TensorFlow's allocator of cards before its tensors: a step that does not
fit fails as on a card (exit code 0; \`fits\` says it, and is null where it ended for another reason than memory). Whether a card's
own kernels need more it cannot say. Native TensorFlow is needed, and as much memory as the limit.

Policies: per-plane differentiates plane by plane; recompute block by block; lean saves only what a gradient reads and frees it as
it goes; chunked takes some heads of attention at a time. None changes the gradient.

Examples:
  coc vram                                        SAM ViT-H, three planes, as PyTorch trains it
  coc vram --stack tfjs --policy best
  coc vram --stack tfjs --policy cheapest --card t4
  coc vram --model sam-vit-b --views 1 --train decoder
  coc vram --stack tfjs --table
  coc vram --try --limit 512MiB --model sam-vit-b --size 256 --policy lean
  coc vram --try --limit 16GiB --bisect --model tiny-128 --json
  coc vram --stack tfjs --model sam-vit-h --size 1024 --views 3 --precision fp32 --policy best --json`,
    )
    .action(vram);
}

async function vram(flags: Flags, command: Command): Promise<void> {
  if (flags.page !== undefined) {
    const others = Object.keys(flags).filter(
      (name) => !['page', 'json'].includes(name) && command.getOptionValueSource(name) === 'cli',
    );
    refuseWith('--page', others.length > 0, `--${others[0]}`, 'on the page everything is chosen there');
    const { writeVramPage } = await import('../../publish/vram-page.js');
    const file = await writeVramPage(...(flags.page === true ? [] : [flags.page]));
    return print(flags, { page: file }, file);
  }
  const long = terminal(flags);
  const setting = settingOf(flags);
  const { refuseWithoutTry, tryStep } = await import('../vram-try.js');
  if (flags.try) {
    refuseWith('--try', flags.table !== undefined, '--table', 'a try is one step by one policy');
    const theirs = flags.stack === 'pytorch' && command.getOptionValueSource('stack') === 'cli';
    refuseWith('--try', theirs, '--stack pytorch', 'a try is a step of ours');
    return tryStep({ ...flags, policy: await policyOf(flags) }, setting, long);
  }
  refuseWithoutTry(flags);
  const cards = flags.card ? [flags.card] : cardMemoryNames;
  const { answer, policyTable } = await import('../../profilers/vram/answer.js');
  const { answerText, policyTableText } = await import('../vram-report.js');
  if (flags.table !== undefined) {
    refuseWith('--table', flags.policy !== undefined, '--policy', 'the table has every policy');
    const batches = flags.table === true ? [1, 2, 4, 8] : flags.table;
    const rows = await policyTable({ stack: flags.stack, setting, cards }, batches, long);
    print(flags, { setting, stack: flags.stack, batches, policies: rows }, policyTableText(rows, batches, setting)); // prettier-ignore
    return;
  }
  const chosen = await policyOf(flags);
  const found = await answer({ stack: flags.stack, setting, policy: chosen, cards }, long);
  print(flags, found, answerText(found));
}

async function policyOf({ policy = 'tape', card }: Flags): Promise<Question['policy']> {
  const { parsePolicy } = await import('../../memory/policy.js');
  if (policy === 'cheapest' && !card)
    throw new InputError({
      what: 'cannot take --policy cheapest',
      given: 'no card',
      expected: 'the card that the step has to fit',
      fix: 'name it: --card t4',
    });
  return policy === 'best' || policy === 'cheapest' ? policy : parsePolicy(policy);
}

function refuseWith(option: string, given: boolean, other: string, why: string): void {
  if (!given) return;
  throw new InputError({
    what: `cannot take ${option}`,
    given: `${other} beside it`,
    expected: `one of both: ${why}`,
    fix: `leave out ${other}`,
  });
}

function settingOf(flags: Flags): Omit<Setting, 'policy'> {
  const { model, views, batch, precision, optimiser, attention, train, rank, firstBlock } = flags;
  const trained = (): Setting['trained'] => {
    if (train === 'lora') return { kind: train, rank: rank ?? 4, first: firstBlock ?? 0 };
    refuseWith(`--train ${train}`, rank !== undefined, '--rank', 'there are no adapters');
    refuseWith(`--train ${train}`, firstBlock !== undefined, '--first-block', 'there are no adapters');
    return { kind: train };
  };
  return {
    model,
    size: flags.size ?? studySetting(model).size,
    views: views as Setting['views'],
    batch,
    precision,
    trained: trained(),
    optimiser,
    ...(attention && { attention }),
  };
}
