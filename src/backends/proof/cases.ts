// Every case of the proof.
import type { OpCase } from './case';
import { elementwiseCases } from './cases-elementwise';

export const cases: OpCase[] = [...elementwiseCases];
