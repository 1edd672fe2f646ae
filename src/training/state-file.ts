// Where a training goes on after it was stopped, by whatever means: parameters, the optimiser's state and the curves so far, in one
// file that is written whole or not at all.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { tf } from '../backends/tf';
import type { Tensors } from '../backends/training-step';
import { prefixed, under } from '../backends/tree';
import { openSafetensors, writeSafetensors } from '../nn/safetensors';
import { curvesSchema } from './curves';

const noteSchema = z.strictObject({
  /** What is trained, and how: a state of another training is refused. */
  identity: z.string(),
  /** Steps done. */
  done: z.number(),
  curves: curvesSchema,
  /** The best point so far, where a training may end early; `best/...` are its parameters. */
  best: z.strictObject({ step: z.number(), value: z.number() }).nullable(),
});
type Note = z.infer<typeof noteSchema>;

/** A training at one point. Tensors are the caller's to free. */
export interface TrainingState extends Note {
  /** As `TrainingStep.read` gives them. */
  tensors: Tensors;
  /** Trained parameters of the best point, by path. */
  bestTensors: Tensors | null;
}

const key = 'training';

/** Save a state, whole or not at all. @throws InputError for the disk */
export async function saveState(
  file: string,
  { tensors, bestTensors, ...note }: TrainingState,
): Promise<void> {
  const all = { ...prefixed('now', tensors), ...(bestTensors && prefixed('best', bestTensors)) };
  const toWrite = Object.entries(all).map(([name, tensor]) => ({
    name,
    shape: tensor.shape,
    data: async () => Float32Array.from(await tensor.data()),
  }));
  await writeSafetensors(file, toWrite, { [key]: JSON.stringify(note) });
}

/**
 * The state that was saved, or undefined where there is none.
 * @throws InputError for a file that is damaged, or of another training
 */
export async function loadState(file: string, identity: string): Promise<TrainingState | undefined> {
  if (!existsSync(file)) return undefined;
  const source = await openSafetensors(file);
  try {
    const wrong = (given: string): InputError =>
      new InputError({
        what: `cannot go on with the training in ${file}`,
        given,
        expected: 'the state of this training, as it was saved',
        fix: 'delete the file to begin anew, or name another one',
      });
    const text = source.metadata.get(key);
    const note = text === undefined ? undefined : noteSchema.safeParse(JSON.parse(text)).data;
    if (!note) throw wrong('a file without a training’s notes');
    if (note.identity !== identity)
      throw wrong(`a training of ${note.identity}, where this one is ${identity}`);
    const tensors: Tensors = {};
    for (const name of source.names())
      tensors[name] = tf.tensor(await source.read(name), [...source.shapeOf(name)]);
    const best = under('best', tensors);
    return {
      ...note,
      tensors: under('now', tensors),
      bestTensors: Object.keys(best).length > 0 ? best : null,
    };
  } finally {
    await source.close();
  }
}
