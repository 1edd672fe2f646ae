// `coc gpu-suite`: everything about engines that only a machine with a card can tell.
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { formatBytes, formatSeconds } from '../../base/progress';
import { jsonOption, print, terminal } from '../output';

interface Options {
  rehearse?: boolean;
  out?: string;
  only?: string[];
  limit?: number;
  anew?: boolean;
  pack?: string;
  archs?: number[];
  gl?: boolean;
  level?: number;
  import?: string;
  json?: boolean;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('not a whole number');
  return Number(text);
}

export function define(command: Command): void {
  command
    .option('--rehearse', 'the same steps with tiny sizes on whatever computes here; no result')
    .option('--out <DIR>', 'write the record, and what is known so far, into this folder')
    .option('--only <NAMES>', 'parts by the first words of their names, joined by commas', (text) =>
      text.split(','),
    )
    .option('--limit <SECONDS>', 'start no further process after so long; the next call goes on', whole)
    .option('--anew', 'begin anew, where an earlier call was stopped')
    .option('--pack <DIR>', 'make archives for a machine without Node or network')
    .option(
      '--archs <LIST>',
      'with --pack: keep machine code for these cards only',
      (text) => text.split(',').map(whole),
      [90],
    )
    .option('--no-gl', "with --pack: leave out Vulkan's loader and the X libraries")
    .addOption(new Option('--level <N>', 'with --pack: how hard xz tries').argParser(whole).default(6))
    .option('--import <FILE>', 'take a record that another machine wrote into figures/recorded')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
On a machine with a card: every operation and gradient on both engines (tensorflow, which is tfjs-node-gpu, and webgpu), times of
products and convolutions on each and on PyTorch (COC_PYTHON names a Python that has it), all in float32, with TF32 in rows of its own;
memory as the engine, TensorFlow's allocator and the driver count it; features of the WebGPU adapter; training steps of SAM ViT-B
and ViT-H with one plane and three, ours by every policy and PyTorch's, timed ("sam times") and read for memory ("sam memory"), the
latter also on cards of 15 and 39.5 GiB that are emulated by a limit; three planes of a volume on the card by its layout
("gather"). SAM takes about half an hour on an H100 (an estimate). Each engine has a process of its own; what is found is kept unit by unit, and a call that was stopped is gone on with. One record comes out of it, in
figures/recorded/. Without a card nothing is written, and the exit code is 1; also when an operation is wrong, or a unit failed.

--pack makes webgpu.part.* (one part) and tensorflow.part.* (five), each with a list of hashes, and start.sh, for Linux on x64
with bash, tar, and xz or python3. Machine code of TensorFlow is kept for the cards named (70 V100, 80 A100, 89 L4 and L40, 90
H100 and H200). The record that comes back is taken by --import, which checks its form, its digest and the code that made it.

Examples:
  coc gpu-suite
  coc gpu-suite --only webgpu,torch --limit 540 --out results
  coc gpu-suite --only 'tensorflow sam,torch sam' --limit 540 --out results
  coc gpu-suite --rehearse
  coc gpu-suite --pack pack --archs 80,90
  coc gpu-suite --import results/card-suite-h100-80gb-hbm3.json`,
    )
    .action(gpuSuite);
}

async function gpuSuite(options: Options): Promise<void> {
  if (options.import !== undefined) return importInto(options, options.import);
  if (options.pack !== undefined) return pack(options, options.pack);
  const { runSuite } = await import('../../profilers/card-suite/suite.js');
  const { outcomeText, isRed } = await import('../../profilers/card-suite/outcome.js');
  const { rehearse, out, only, limit, anew } = options;
  const say = options.json ? undefined : (line: string): void => void process.stderr.write(`${line}\n`);
  const done = await runSuite({ rehearse, out, only, limitSeconds: limit, anew, say, ...terminal(options) });
  print(
    options,
    { file: done.file, study: done.study },
    `${outcomeText(done.study)}\n\nThe record: ${done.file}`,
  );
  if (isRed(done.study)) process.exitCode = 1;
}

async function importInto(options: Options, file: string): Promise<void> {
  const { importRecord } = await import('../../profilers/card-suite/record.js');
  const { suiteCode } = await import('../../profilers/card-suite/code.js');
  const { writeCrate } = await import('../../publish/ro-crate.js');
  const { inRepo } = await import('../../base/paths.js');
  const taken = importRecord(file, await suiteCode());
  writeCrate(inRepo('figures'));
  print(options, { file: taken.file, study: taken.study.study }, `Recorded: ${taken.file}`);
}

async function pack(options: Options, dir: string): Promise<void> {
  const { makePack } = await import('../../profilers/card-suite/pack.js');
  const say = options.json ? undefined : (line: string): void => void process.stderr.write(`${line}\n`);
  const { archs = [90], gl = true, level = 6 } = options;
  const made = await makePack(dir, { archs, gl, level, say, ...terminal(options) });
  const lines = made.archives.map(
    ({ name, parts, bytes, seconds }) =>
      `${name}: ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}, ${formatBytes(bytes)}, in ${formatSeconds(seconds)}`,
  );
  print(options, made, [...lines, `In ${made.dir}. There: bash start.sh`].join('\n'));
}
