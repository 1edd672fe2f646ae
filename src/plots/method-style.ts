// The ways of pre-training that view alignment compares look the same in every figure: a colour, and a marker as second cue.
import { grey, palette } from './theme';

export const methodIds = ['ae', 'mae', 'cva', 'c-cva', 'con', 'cva-con', 'c-cva-con'] as const;
export type MethodId = (typeof methodIds)[number];

/** Colour by the local term (none, cosine, contrastive); marker by that and by the global term: with it, a triangle. */
export const methodStyle: Record<MethodId, { title: string; colour: string; symbol: string }> = {
  ae: { title: 'AE', colour: grey.soft, symbol: 'cross' },
  mae: { title: 'MAE', colour: grey.ink, symbol: 'circle' },
  cva: { title: 'CVA', colour: palette.blue, symbol: 'circle' },
  'c-cva': { title: 'C-CVA', colour: palette.vermilion, symbol: 'diamond' },
  con: { title: 'Con', colour: grey.ink, symbol: 'triangle-up' },
  'cva-con': { title: 'CVA + Con', colour: palette.blue, symbol: 'triangle-up' },
  'c-cva-con': { title: 'C-CVA + Con', colour: palette.vermilion, symbol: 'triangle-down' },
};
