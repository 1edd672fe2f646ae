// Products of tensors: BatchMatMul and _FusedMatMul.
import { refuse } from '../refuse';
import { tf } from '../tf';
import { repeated } from './elementary';
import { finish, type Activation, type Kernel, type Kernels, type TensorInfo } from './kernel';
import type { WasmBackend } from './module';
import { grid } from './product';

interface Transposed {
  transposeA: boolean;
  transposeB: boolean;
}

/** a [..., m, k] times b [..., k, n], either one transposed; batch dimensions broadcast. */
function matMul(
  backend: WasmBackend,
  kernel: string,
  a: TensorInfo,
  b: TensorInfo,
  { transposeA, transposeB }: Transposed,
): TensorInfo {
  if (a.dtype !== 'float32' || b.dtype !== 'float32')
    throw refuse(kernel, 'wasm', `its product of ${a.dtype} and ${b.dtype} does not exist`, [
      'tensorflow',
      'cpu',
    ]);
  const [left, right] = [side(a, transposeA), side(b, transposeB)];
  tf.util.assert(
    left.inner === right.outer,
    () => `matMul: the inner sizes of ${a.shape.join('x')} and ${b.shape.join('x')} differ`,
  );
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(left.batch, right.batch);
  const out = backend.makeOutput([...batch, left.outer, right.inner], 'float32');
  const starts = [left, right].map(({ batch: own, size }) =>
    grid(
      batch,
      repeated(own, batch.length).map((stride) => 4 * size * stride),
    ),
  );
  const [aAt, bAt, outAt] = [a, b, out].map((x) => backend.address(x));
  const outSize = 4 * left.outer * right.inner;
  const outRows = grid([left.outer], [4 * right.inner]);
  const outColumns = grid([right.inner], [4]);
  starts[0].forEach((start, i) =>
    backend.multiply(
      { base: aAt + start, rows: left.rows, columns: left.columns },
      { base: bAt + starts[1][i], rows: right.rows, columns: right.columns },
      { base: outAt + i * outSize, rows: outRows, columns: outColumns },
    ),
  );
  return out;
}

/** One factor: its batch dimensions, and its last two as rows and columns after transposition. */
function side({ shape }: TensorInfo, transposed: boolean) {
  const [m, n] = shape.slice(-2);
  const [along, across] = [grid([m], [4 * n]), grid([n], [4])];
  const batch = shape.slice(0, -2);
  return transposed
    ? { batch, size: m * n, outer: n, inner: m, rows: across, columns: along }
    : { batch, size: m * n, outer: m, inner: n, rows: along, columns: across };
}

const batchMatMul: Kernel<Transposed> = ({ a, b }, attributes, backend) =>
  matMul(backend, 'BatchMatMul', a, b, attributes);

const fusedMatMul: Kernel<Transposed & Activation> = (inputs, attributes, backend) =>
  finish(backend, matMul(backend, '_FusedMatMul', inputs.a, inputs.b, attributes), inputs, attributes);

export const products: Kernels = { BatchMatMul: batchMatMul, _FusedMatMul: fusedMatMul };
