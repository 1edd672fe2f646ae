// One grey for every channel: networks of coloured pictures are shown grey ones so.

/**
 * A grey picture in every channel of picture `at` of many.
 * @param pictures  [pictures, samples of `grey`, channels]
 */
export function inChannels(
  grey: Float32Array,
  channels: number,
  pictures: Float32Array | Int32Array,
  at: number,
): void {
  const start = at * grey.length * channels;
  for (let i = 0; i < grey.length * channels; i++) pictures[start + i] = grey[Math.floor(i / channels)];
}
