// Parameters by part, read off the trees that the models compute with: nothing is allocated, but TensorFlow.js is loaded with
// them, so import this file lazily.
import { countParameters } from '../nn/parameters';
import type { ModelName } from '../models/registry';
import { models } from '../models/registry';
import { samSpec } from '../models/sam/sam';
import { sam3TrunkSpec } from '../models/sam3/trunk';
import type { ModelParts } from './counted-twice';

/** Count a model of the registry part by part. Frequencies of positions are drawn once and not trained: they are left out. */
export function modelParts(name: ModelName): ModelParts {
  const row = models[name];
  if (row.family === 'sam3') {
    const { patch, position, norm, blocks } = sam3TrunkSpec(row.config);
    const encoder = countParameters({ patch, position, norm, blocks });
    return {
      patch: countParameters(patch),
      positions: countParameters(position),
      ...blockParts(blocks, row.config),
      norms: countParameters(norm),
      neck: 0,
      encoder,
      prompt: null,
      decoder: null,
      whole: null,
    };
  }
  const { imageEncoder, promptEncoder, maskDecoder } = samSpec(row.config);
  const { embed, position, blocks, neck } = imageEncoder;
  return {
    patch: countParameters(embed),
    positions: countParameters(position!),
    ...blockParts(blocks, row.config.encoder),
    norms: 0,
    neck: countParameters(neck),
    encoder: countParameters(imageEncoder),
    prompt: countParameters(promptEncoder),
    decoder: countParameters(maskDecoder),
    whole: countParameters({ imageEncoder, promptEncoder, maskDecoder }),
  };
}

type Trees = Parameters<typeof countParameters>[0];

function blockParts(
  blocks: readonly Trees[],
  { globalBlocks }: { globalBlocks: readonly number[] },
): Pick<ModelParts, 'windowedBlock' | 'globalBlock' | 'blocks'> {
  const windowed = blocks.findIndex((_, block) => !globalBlocks.includes(block));
  return {
    windowedBlock: countParameters(blocks[windowed]),
    globalBlock: countParameters(blocks[globalBlocks[0]]),
    blocks: countParameters(blocks),
  };
}
