// Tensors that lie in a file until they are asked for, whatever the form of the file.
import type { NumberType } from './number-types';

/** Named tensors, read one at a time. */
export interface TensorSource {
  /** Where they come from, for messages. */
  readonly file: string;
  names(): string[];
  /** @throws InputError for a name that it lacks, as all of these do */
  shapeOf(name: string): readonly number[];
  /** The values in row order, as float32; the caller's to keep. */
  read(name: string): Promise<Float32Array>;
}

/** A file of tensors with the numbers as they are stored. */
export interface TensorFile extends TensorSource {
  typeOf(name: string): NumberType;
  /** The values in row order as stored, little-endian. */
  readBytes(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}
