// A process under a limit of memory that ends in a planted way: `planted.cjs {"end": ...}`. The code is the built one.
const path = require('node:path');

const built = (...parts) => require(path.join(__dirname, '..', '..', '..', 'dist', ...parts));
const { doLimited } = built('profilers', 'vram', 'limited-work.js');
const { tf } = built('backends', 'tf.js');
const MiB = 2 ** 20;

const ends = {
  /** 32 MiB that TensorFlow makes, and as much of its own. */
  fits: () => {
    const a = tf.fill([8 * MiB], 1);
    const b = tf.add(a, 1);
    const [first] = tf.slice(b, 0, 1).dataSync();
    return { first };
  },
  /** An operation whose result is larger than the limit. */
  operation: () => tf.fill([32 * MiB], 1),
  /** Numbers of the host that are larger than what is left. */
  upload: () => {
    const held = tf.fill([8 * MiB], 1);
    tf.add(tf.tensor(new Float32Array(24 * MiB)), 1);
    return held.shape;
  },
  /** The same words without TensorFlow. */
  words: () => {
    throw new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[1]');
  },
  /** A mistake. */
  error: () => {
    throw new TypeError('planted');
  },
  crash: () => process.abort(),
  /** A crash of another kind in the middle of an upload that would fit. */
  'crash in an upload': () => {
    tf.backend().binding.createTensor([1], 1, {
      get length() {
        return process.abort();
      },
    });
  },
  /** Killed from outside, as by a system that has no memory left. */
  killed: () => process.kill(process.pid, 'SIGKILL'),
  /** After a request that failed and was caught. */
  'crash after a failure': () => {
    try {
      tf.fill([32 * MiB], 1);
    } catch {
      process.abort();
    }
  },
};

const { end } = JSON.parse(process.argv[2]);
void doLimited(async ({ backend, stage }) => {
  stage(end);
  return ends[end](backend);
});
