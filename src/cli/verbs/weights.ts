// `coc weights`: files of weights, turned into safetensors.
import type { Command } from 'commander';
import { jsonOption, print, terminal } from '../output';

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Reads what torch.save writes (the zip form, PyTorch 1.6 and later): tensors, and the dictionaries they stand in. Nothing in
the file is run; a file that asks for other code is refused, and the code is named. Numbers keep their type and every bit.

Examples:
  coc weights convert sam_vit_b_01ec64.pth sam-vit-b.safetensors
  coc weights convert checkpoint.pt model.safetensors --key model`,
  );
  command
    .command('convert')
    .description('turn a PyTorch checkpoint into safetensors, tensor by tensor: files larger than memory too')
    .argument('<in>', 'a .pth, .pt or .bin file')
    .argument('<out>', 'a .safetensors file, replaced if it is there')
    .option(
      '--key <key>',
      'the dictionary that holds the model, e.g. model or state_dict; needed where there are several',
    )
    .addOption(jsonOption())
    .action(convert);
}

async function convert(
  input: string,
  output: string,
  options: { key?: string; json?: boolean },
): Promise<void> {
  const { InputError } = await import('../../base/errors.js');
  const { formatBytes } = await import('../../base/progress.js');
  const { countOf, numberTypes } = await import('../../nn/number-types.js');
  const { writeSafetensors } = await import('../../nn/safetensors.js');
  const { openTorch } = await import('../../nn/torch-zip.js');
  if (!output.endsWith('.safetensors'))
    throw new InputError({
      what: `cannot write ${output}`,
      given: 'another suffix',
      expected: '.safetensors',
      fix: 'name the file so; it is the only form that is written',
    });
  const long = terminal(options);
  const source = await openTorch(input, { key: options.key, signal: long.signal });
  try {
    const tensors = source.names().map((name) => ({
      name,
      type: source.typeOf(name),
      shape: source.shapeOf(name),
      data: () => source.readBytes(name),
    }));
    // The one key that other programs look for: whose names and layouts the tensors have.
    await writeSafetensors(output, tensors, { format: 'pt' }, long);
    const written = tensors.map(({ name, type, shape }) => ({ name, type, shape }));
    const values = written.reduce((sum, { shape }) => sum + countOf(shape)!, 0);
    const bytes = written.reduce((sum, { type, shape }) => sum + countOf(shape)! * numberTypes[type], 0);
    const wide = Math.max(0, ...written.map(({ name }) => name.length));
    const lines = [
      ...written.map(
        ({ name, type, shape }) => `${name.padEnd(wide)}  ${type.padEnd(4)}  [${shape.join(', ')}]`,
      ),
      `wrote ${output}: ${written.length} tensors, ${values.toLocaleString('en')} values, ${formatBytes(bytes)}${source.key ? `, from the key ${source.key}` : ''}`,
      ...source.leftOut.map((what) => `left out: ${what}`),
    ];
    const { key, leftOut } = source;
    print(options, { file: output, key, values, bytes, tensors: written, leftOut }, lines.join('\n'));
  } finally {
    await source.close();
  }
}
