// Mean ranks over columns of a table, and what equal printed values leave open about them.

/** A mean rank: with equal values sharing their places, and the best and the worst that breaking these ties could give. */
export interface MeanRank {
  mean: number;
  best: number;
  worst: number;
}

/** Ranks of the values of one column, 1 for the greatest. */
export function columnRanks(values: readonly number[]): MeanRank[] {
  return values.map((value) => {
    const above = values.filter((v) => v > value).length;
    const equal = values.filter((v) => v === value).length;
    return { best: above + 1, mean: above + (1 + equal) / 2, worst: above + equal };
  });
}

/** Mean ranks of each row over columns. @param columns  one list a column, in the order of the rows */
export function meanRanks(columns: readonly (readonly number[])[]): MeanRank[] {
  const ranks = columns.map(columnRanks);
  return ranks[0].map((_, row) => combined(ranks.map((column) => [column[row], 1 / columns.length])));
}

/** A weighted sum of ranks. */
export function combined(parts: readonly (readonly [rank: MeanRank, weight: number])[]): MeanRank {
  const sum = (of: (rank: MeanRank) => number): number =>
    parts.reduce((total, [r, w]) => total + w * of(r), 0);
  return { best: sum((r) => r.best), mean: sum((r) => r.mean), worst: sum((r) => r.worst) };
}

/** Whether a printed rank of two decimals can be this one: between its ends, up to rounding. */
export function agrees(printed: number, { best, worst }: MeanRank, rounding = 0.0051): boolean {
  return printed >= best - rounding && printed <= worst + rounding;
}

/** The correlation of two lists by their ranks (Spearman), equal values sharing their places. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [a, b].map((values) => columnRanks(values).map((r) => r.mean));
  const mean = (values: number[]): number => values.reduce((s, v) => s + v, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = (p: number[], mp: number, q: number[], mq: number): number =>
    p.reduce((s, v, i) => s + (v - mp) * (q[i] - mq), 0);
  return covariance(x, mx, y, my) / Math.sqrt(covariance(x, mx, x, mx) * covariance(y, my, y, my));
}
