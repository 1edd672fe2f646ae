// TensorFlow.js in plain JavaScript: right, needs nothing, and is slow.
import os from 'node:os';
import type { Backend, Candidate } from './backend';
import { mendCpu } from './cpu-kernels';
import { runStep, tensorCounts } from './step';
import { tf } from './tf';

export const candidate: Candidate = {
  name: 'cpu',
  async open(): Promise<Backend> {
    // Its banner advises a package that danfojs has and that we have under another name.
    (tf.findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = false;
    mendCpu();
    await tf.setBackend('cpu');
    return {
      name: 'cpu',
      device: `${os.cpus()[0]?.model.trim() || process.arch}, 1 thread of plain JavaScript`,
      gpu: null,
      driver: null,
      versions: { tfjs: tf.version.tfjs },
      step: (what, f) => runStep(what, f),
      memory: () => ({
        ...tensorCounts(),
        bufferBytes: null,
        note: 'JavaScript frees its arrays when it sees fit',
      }),
      flush: () => undefined,
    };
  },
};
