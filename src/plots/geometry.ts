// Affine transforms and boxes of SVG, as plain numbers.

/** x' = a x + c y + e, y' = b x + d y + f. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Left, top, right, bottom. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

export const identityMatrix: Matrix = [1, 0, 0, 1, 0, 0];

/** First `n`, then `m`. */
export function multiply(m: Matrix, n: Matrix): Matrix {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}

const translation = (x: number, y: number): Matrix => [1, 0, 0, 1, x, y];

/** The matrix of a `transform` attribute. @throws for a function that plotly does not write (skewX, skewY) */
export function parseTransform(text: string | null): Matrix {
  let matrix = identityMatrix;
  for (const [, name, list] of (text ?? '').matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const v = list.split(/[\s,]+/).map(Number);
    if (name === 'translate') matrix = multiply(matrix, translation(v[0], v[1] ?? 0));
    else if (name === 'scale') matrix = multiply(matrix, [v[0], 0, 0, v[1] ?? v[0], 0, 0]);
    else if (name === 'matrix') matrix = multiply(matrix, [v[0], v[1], v[2], v[3], v[4], v[5]]);
    else if (name === 'rotate') {
      const angle = (v[0] * Math.PI) / 180;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const [cx, cy] = [v[1] ?? 0, v[2] ?? 0];
      matrix = multiply(multiply(matrix, translation(cx, cy)), [cos, sin, -sin, cos, 0, 0]);
      matrix = multiply(matrix, translation(-cx, -cy));
    } else throw new Error(`transform function ${name} is not handled`);
  }
  return matrix;
}

/** The upright box around a transformed box. */
export function transformBox([x0, y0, x1, y1]: Box, m: Matrix): Box {
  const xs: number[] = [];
  const ys: number[] = [];
  for (const [x, y] of [
    [x0, y0],
    [x1, y0],
    [x0, y1],
    [x1, y1],
  ]) {
    xs.push(m[0] * x + m[2] * y + m[4]);
    ys.push(m[1] * x + m[3] * y + m[5]);
  }
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The box around two; null is no box. */
export function union(a: Box | null, b: Box | null): Box | null {
  if (!a || !b) return a ?? b;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

/**
 * The box around a path's points. Curves count with their control points and arcs with their ends: plotly measures
 * markers and lines, where that is exact or a little large.
 */
export function pathBox(d: string): Box | null {
  let [x, y] = [0, 0];
  let box: Box | null = null;
  const visit = (px: number, py: number): void => {
    box = union(box, [px, py, px, py]);
  };
  for (const [, command, list] of d.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
    const v = (list.match(/[-+]?(?:\d*\.\d+|\d+\.?)(?:e[-+]?\d+)?/gi) ?? []).map(Number);
    const relative = command === command.toLowerCase();
    const step = { h: 1, v: 1, a: 7, c: 6, s: 4, q: 4 }[command.toLowerCase()] ?? 2;
    for (let i = 0; i + step <= v.length; i += step) {
      const [ox, oy] = relative ? [x, y] : [0, 0];
      if (command.toLowerCase() === 'h') x = ox + v[i];
      else if (command.toLowerCase() === 'v') y = oy + v[i];
      else {
        const first = command.toLowerCase() === 'a' ? 5 : 0;
        for (let k = first; k < step; k += 2) visit(ox + v[i + k], oy + v[i + k + 1]);
        [x, y] = [ox + v[i + step - 2], oy + v[i + step - 1]];
      }
      visit(x, y);
    }
  }
  return box;
}
