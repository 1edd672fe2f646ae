// Resampling of a mask through a matrix about the centres: each label's indicator is interpolated as the image is, and the
// largest score takes the voxel. No label appears that was not there, and none is mixed from two.
//
// As SpatialTransform of batchgeneratorsv2 0.3.6 (mode_seg 'bilinear', border 'constant' with label -1, tie-break
// 'nearest'), to its near ties: it keeps scores as float16 in thousandths, and so do these, which sends voxels half-way
// between labels to the nearest one. Outside is a label of its own in the vote and becomes 0 afterwards.
import type { Triple, VoxelArray } from '../../volume/volume';
import { roundHalfToEven } from '../elementary';
import { eachNeighbour, eachRow, type Line, type Matrix } from './resample-image';

const OUTSIDE = -1;

/** The labels at the sample points; 0 where outside wins. */
export function resampleLabels<A extends VoxelArray>(
  mask: A,
  dims: Readonly<Triple>,
  matrix: Matrix,
  size: Readonly<Triple>,
): A {
  const out = new (mask.constructor as new (n: number) => A)(size[0] * size[1] * size[2]);
  const vote = new Vote(mask, dims);
  eachRow(dims, matrix, size, (line, to) => {
    const [low, high] = line.inner;
    for (let i = 0; i < low; i++) out[to + i] = vote.at(line, i);
    innerRow(mask, dims, line, low, high, out, to, vote);
    for (let i = high; i < size[0]; i++) out[to + i] = vote.at(line, i);
  });
  return out;
}

/** The points with all neighbours inside. Most lie within one label and need no vote. */
function innerRow(
  mask: VoxelArray,
  dims: Readonly<Triple>,
  line: Line,
  low: number,
  high: number,
  out: VoxelArray,
  to: number,
  vote: Vote,
): void {
  const row = dims[0];
  const slice = dims[0] * dims[1];
  const [x0, y0, z0] = line.start;
  const [dx, dy, dz] = line.step;
  for (let i = low; i < high; i++) {
    const at = ((x0 + i * dx) | 0) + row * ((y0 + i * dy) | 0) + slice * ((z0 + i * dz) | 0);
    const label = mask[at];
    const up = at + slice;
    const one =
      mask[at + 1] === label &&
      mask[at + row] === label &&
      mask[at + row + 1] === label &&
      mask[up] === label &&
      mask[up + 1] === label &&
      mask[up + row] === label &&
      mask[up + row + 1] === label;
    out[to + i] = one ? label : vote.at(line, i);
  }
}

/** The vote of the neighbours of one point. */
class Vote {
  private readonly labels = new Float64Array(8);
  private readonly scores = new Float64Array(8);
  private count = 0;

  constructor(
    private readonly mask: VoxelArray,
    private readonly dims: Readonly<Triple>,
  ) {}

  at({ start, step }: Line, i: number): number {
    const { labels, scores } = this;
    const x = start[0] + i * step[0];
    const y = start[1] + i * step[1];
    const z = start[2] + i * step[2];
    this.count = 0;
    eachNeighbour(this.dims, x, y, z, this.add);
    let best = -1;
    let winner = OUTSIDE;
    for (let n = 0; n < this.count; n++) {
      const score = asFloat16(1000 * scores[n]);
      if (score > best || (score === best && labels[n] < winner)) {
        best = score;
        winner = labels[n];
      }
    }
    const nearest = this.labelAt(roundHalfToEven(x), roundHalfToEven(y), roundHalfToEven(z));
    if (nearest !== winner) {
      for (let n = 0; n < this.count; n++) {
        if (labels[n] === nearest && asFloat16(1000 * scores[n]) === best) winner = nearest;
      }
    }
    return winner === OUTSIDE ? 0 : winner;
  }

  private readonly add = (at: number, weight: number): void => {
    const label = at < 0 ? OUTSIDE : this.mask[at];
    for (let n = 0; n < this.count; n++) {
      if (this.labels[n] !== label) continue;
      this.scores[n] += weight;
      return;
    }
    this.labels[this.count] = label;
    this.scores[this.count++] = weight;
  };

  private labelAt(x: number, y: number, z: number): number {
    const [nx, ny, nz] = this.dims;
    const inside = x >= 0 && y >= 0 && z >= 0 && x < nx && y < ny && z < nz;
    return inside ? this.mask[x + nx * (y + ny * z)] : OUTSIDE;
  }
}

/** The nearest number with 11 significant bits (Veltkamp's splitting): what float16 keeps of scores up to 1000. */
function asFloat16(score: number): number {
  const scaled = score * (2 ** 42 + 1);
  return scaled - (scaled - score);
}
