// SAM's mask decoder as the head of the study's network: no prompt is given, and the masks are the classes, as SAMed has it
// (Zhang and Liu 2023, arXiv 2304.13785).
import { tf } from '../backends/tf';
import { InputError } from '../base/errors';
import { flattenParameters } from '../nn/parameters';
import { gridOf } from './sam/config';
import { maskDecoder } from './sam/mask-decoder';
import { gridPositions } from './sam/prompt-encoder';
import type { DecoderConfig } from './sam/sam';
import { decoderSpec } from './sam/sam';
import type { MaskHead } from './tri-siamese';
import { maskHead } from './tri-siamese';

/**
 * The decoder and what it is told where nobody prompts. All that makes masks is trained; frozen are the frequencies of
 * positions and the head that judges the masks, of which no loss depends. Hypernetworks of masks that are not made are
 * left out.
 * @param classes  1 for foreground against background: the mask of a clear prompt. More: the masks of an unclear one, as
 *   many as the decoder has
 * @returns a head whose logits are [batch, 4 grid, 4 grid, classes]
 * @throws InputError for classes that the decoder has no masks for
 */
export function samHead(config: DecoderConfig, classes = 1): MaskHead {
  const { prompts, decoder } = config;
  if (classes !== 1 && classes !== decoder.masks)
    throw new InputError({
      what: 'cannot use the mask decoder as a head',
      given: `${classes} classes`,
      expected: `1, or ${decoder.masks}, as many as it has masks`,
      fix: 'make a decoder with as many masks as there are classes, and train it',
    });
  const several = classes > 1;
  const whole = decoderSpec(config);
  const { quality, hypernetworks, ...others } = whole.maskDecoder;
  const grid = gridOf(prompts);
  const head = maskHead({
    trained: {
      noMask: whole.promptEncoder.noMask,
      ...others,
      hypernetworks: several ? hypernetworks.slice(1) : hypernetworks.slice(0, 1),
    },
    frozen: { positions: whole.positions, quality },
    logits: ({ trained: { noMask, ...own }, frozen }, features) => {
      // The decoder counts its hypernetworks from that of a clear prompt, which several masks do not read.
      const all = several ? [own.hypernetworks[0], ...own.hypernetworks] : own.hypernetworks;
      const { masks } = maskDecoder(
        { ...own, hypernetworks: all, quality: frozen.quality },
        {
          image: features,
          positions: gridPositions(frozen.positions, grid, grid),
          sparse: undefined,
          dense: noMask,
        },
        decoder,
        several,
      ); // [batch, 1, 4 grid, 4 grid, classes]
      return tf.squeeze(masks, [1]);
    },
  });
  // Its parameters are the decoder's own, whatever their places here.
  const paths = Object.entries(flattenParameters(whole)).map(
    ([path, parameter]) => [parameter, path] as const,
  );
  return { ...head, inSam: { config, paths: new Map(paths) } };
}
