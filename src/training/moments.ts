// Mean 0 and deviation 1: how volumes and pictures come to a network.

/** Mean and deviation (of all values, not of a sample). */
export function momentsOf(values: ArrayLike<number>): { mean: number; deviation: number } {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

/** The values brought to mean 0 and deviation 1; of a single grey nothing is left but zeros. */
export function centred(values: ArrayLike<number>, { mean, deviation } = momentsOf(values)): Float32Array {
  const scale = deviation > 0 ? 1 / deviation : 0;
  return Float32Array.from(values, (value) => (value - mean) * scale);
}
