// Adapters by themselves in a file: a few megabytes beside the gigabytes of the model that they belong to.
import { z } from 'zod';
import { flattenTree } from '../backends/training-step';
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import type { Lora, LoraConfig } from './lora';
import { loraSpec } from './lora';
import { openSafetensors, writeSafetensors } from './safetensors';
import { loadWeights } from './weights';

const format = 'cost-of-consistency lora';
/** Texts of the header; numbers are written as such. */
const headerSchema = z.object({
  format: z.literal(format),
  rank: z.coerce.number(),
  alpha: z.coerce.number(),
  first: z.coerce.number(),
  width: z.coerce.number(),
  depth: z.coerce.number(),
});

/**
 * Write adapters as safetensors, whole or not at all: `3/q/a` [width, rank] and `3/q/b` [rank, width], and so for v; rank,
 * alpha and the first adapted block are in the header.
 * @param width  channels of a token of the encoder
 * @throws InputError, Interrupted as `writeSafetensors`
 */
export async function writeLora(
  file: string,
  adapters: Lora,
  { rank, alpha, first }: LoraConfig,
  width: number,
  long: Long = {},
): Promise<void> {
  const numbers = { rank, alpha, first, width, depth: adapters.length };
  const texts = Object.entries(numbers).map(([name, value]): [string, string] => [name, String(value)]);
  const tensors = Object.entries(flattenTree(adapters)).map(([name, tensor]) => ({
    name,
    shape: tensor.shape,
    data: async () => (await tensor.data()) as Float32Array,
  }));
  const header = { format, ...Object.fromEntries(texts) };
  await writeSafetensors(file, tensors, header, long);
}

/**
 * Read adapters that `writeLora` wrote.
 * @param blocks  the encoder that they are for: channels of a token, and how many blocks it has
 * @returns tensors that are the caller's to free, kept by every scope
 * @throws InputError for a file of another kind or for another encoder; Interrupted
 */
export async function readLora(
  file: string,
  blocks: { width: number; depth: number },
  long: Long = {},
): Promise<{ adapters: Lora; config: LoraConfig }> {
  const source = await openSafetensors(file, long);
  try {
    const header = headerSchema.safeParse(Object.fromEntries(source.metadata));
    const wrong = (given: string, expected: string): InputError =>
      new InputError({
        what: `cannot read adapters from ${file}`,
        given,
        expected,
        fix: 'give the file that the training of adapters for this encoder wrote',
      });
    if (!header.success) throw wrong('a header that does not say what adapters', 'rank, alpha, first, width, depth'); // prettier-ignore
    const { rank, alpha, first, width, depth } = header.data;
    if (width !== blocks.width || depth !== blocks.depth)
      throw wrong(
        `adapters for ${depth} blocks of width ${width}`,
        `those for ${blocks.depth} of ${blocks.width}`,
      );
    const config = { rank, alpha, first };
    return { adapters: await loadWeights(loraSpec(blocks, config), source, undefined, long), config };
  } finally {
    await source.close();
  }
}
