// The weights that the encoder learnt from masked pictures. Loads TensorFlow.js.
import type { TensorTree } from '../../backends/training-step';
import { flattenTree, unflattenTree } from '../../backends/training-step';
import { tf } from '../../backends/tf';
import { InputError } from '../../base/errors';
import { fetchOne } from '../../datasets/fetch';
import { openSafetensors } from '../../nn/safetensors';
import { encoderFile } from './encoder-file';

/**
 * The encoder of the file, in the form of one that is there, whose tensors are freed.
 * @throws InputError where the file is of another encoder
 */
export async function loadedEncoder<T extends TensorTree>(like: T): Promise<T> {
  const { path } = await fetchOne(encoderFile.dataset, encoderFile.path);
  const file = await openSafetensors(path);
  try {
    const before = flattenTree(like);
    const wrong = Object.entries(before).filter(
      ([name, { shape }]) => !file.names().includes(name) || file.shapeOf(name).join() !== shape.join(),
    );
    if (wrong.length > 0)
      throw new InputError({
        what: `cannot load the encoder of ${path}`,
        given: `no ${wrong.map(([name]) => name).join(', ')} of the right shape`,
        expected: 'weights of the same encoder',
        fix: 'take the file that its manifest names',
      });
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, { shape }] of Object.entries(before))
      tensors[name] = tf.tensor(await file.read(name), shape);
    const after = unflattenTree(like, tensors);
    tf.dispose(Object.values(before));
    return after;
  } finally {
    await file.close();
  }
}
