// The kernels of fused/ that wasm has: layer norm and GELU.
import type { Kernel, Kernels } from './kernel';

const layerNorm: Kernel<{ epsilon: number }> = ({ x, gain, bias }, { epsilon }, backend) => {
  const width = x.shape.at(-1)!;
  const y = backend.makeOutput(x.shape, 'float32');
  const rows = x.shape.slice(0, -1).reduce((n, size) => n * size, 1);
  const statistics = backend.makeOutput([rows, 2], 'float32');
  const [xAt, gainAt, biasAt, yAt, statisticsAt] = [x, gain, bias, y, statistics].map((t) =>
    backend.address(t),
  );
  const constants = backend.rowwise.constantsOf(width, epsilon);
  backend.rowwise.layerNorm(xAt, gainAt, biasAt, yAt, statisticsAt, rows, 4 * width, constants);
  return [y, statistics];
};

const layerNormGradient: Kernel = ({ dy, x, gain, statistics }, _, backend) => {
  const width = x.shape.at(-1)!;
  const dx = backend.makeOutput(x.shape, 'float32');
  const [dyAt, xAt, gainAt, dxAt, statisticsAt] = [dy, x, gain, dx, statistics].map((t) =>
    backend.address(t),
  );
  const constants = backend.rowwise.constantsOf(width, 0);
  const [rows] = statistics.shape;
  backend.rowwise.layerNormGradient(dyAt, xAt, gainAt, dxAt, statisticsAt, rows, 4 * width, constants);
  return [dx];
};

/** In parts of 64 rows, as the shader does it. */
const layerNormGainGradient: Kernel = ({ dy, x, statistics }, _, backend) => {
  const width = x.shape.at(-1)!;
  const [rows] = statistics.shape;
  const sums = backend.makeOutput([Math.ceil(rows / 64), width], 'float32');
  const [d, from, s, to] = [dy, x, statistics, sums].map((t) => backend.typedArrayFromHeap(t));
  to.fill(0);
  for (let row = 0; row < rows; row++) {
    const [mean, scale] = [s[2 * row], s[2 * row + 1]];
    const part = Math.floor(row / 64) * width;
    for (let i = 0, at = row * width; i < width; i++, at++) to[part + i] += d[at] * (from[at] - mean) * scale;
  }
  return [sums];
};

const gelu: Kernel = ({ x }, _, backend) => {
  const y = backend.makeOutput(x.shape, 'float32');
  backend.rowwise.gelu(backend.address(x), backend.address(y), 4 * size(x.shape));
  return [y];
};

const geluGradient: Kernel = ({ dy, x }, _, backend) => {
  const dx = backend.makeOutput(x.shape, 'float32');
  const [dyAt, xAt, dxAt] = [dy, x, dx].map((t) => backend.address(t));
  backend.rowwise.geluGradient(dyAt, xAt, dxAt, 4 * size(x.shape));
  return [dx];
};

const size = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

export const fused: Kernels = {
  CocLayerNorm: layerNorm,
  CocLayerNormGrad: layerNormGradient,
  CocLayerNormGainGrad: layerNormGainGradient,
  CocGelu: gelu,
  CocGeluGrad: geluGradient,
};
