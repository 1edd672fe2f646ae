// What a shape rule is: from the shapes, types and attributes of a kernel's inputs to those of its outputs.
import type { DataType } from '@tensorflow/tfjs';
import { tf } from '../tf';

/** A tensor without numbers. */
export interface Info {
  shape: readonly number[];
  dtype: DataType;
}

/** A kernel's inputs by TensorFlow.js's names; by number where it takes a list. */
export type Infos = Readonly<Record<string, Info>>;

/** Inputs without those that were not given. */
export const givenOf = (inputs: Readonly<Record<string, Info | null | undefined>>): Infos =>
  Object.values(inputs).every(Boolean)
    ? (inputs as Infos)
    : (Object.fromEntries(Object.entries(inputs).filter(([, info]) => info)) as Infos);

/** A rule; attributes are as TensorFlow.js's operation hands them over. */
export type Rule<A = never> = (inputs: Infos, attributes: A) => Info | Info[];
export type Rules = Readonly<Record<string, Rule>>;

/** The same rule under several names. */
export const each = (names: string, rule: Rule): Rules =>
  Object.fromEntries(names.split(' ').map((name) => [name, rule]));

/** A list of inputs in order. */
export const listOf = (inputs: Infos): Info[] => Object.values(inputs);

/** Number of elements. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** The shape of two that are broadcast. @throws Error as TensorFlow.js's operations */
export const broadcast = (a: readonly number[], b: readonly number[]): number[] =>
  tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);

/** Axes counted from the front; all of them where none is named. */
export const axesOf = (axis: number | number[] | null | undefined, shape: readonly number[]): number[] =>
  tf.util.parseAxisParam(axis ?? shape.map((_, k) => k), [...shape]);
