// Where the weights lie that the encoder learnt from masked pictures: a file of this repository, made by pretraining.ts.
import type { DataNeed } from '../study';

export const encoderFile: DataNeed = { dataset: 'tiny-64-masked', path: 'encoder.safetensors' };
