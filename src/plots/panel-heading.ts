// The heading of a panel, of one look in every figure that has several.
import type { JsonObject } from './spec';
import { size } from './theme';

/**
 * A letter and a text above a panel.
 * @param k  which panel, from 0
 * @param x  its left edge, as a share of the figure's width between the margins
 * @param y  its upper edge, as a share of the height
 */
export function panelHeading(k: number, text: string, x: number, y = 1): JsonObject {
  return {
    text: `<b>${'abcdef'[k]}</b>\u00a0\u00a0${text}`,
    xref: 'paper',
    yref: 'paper',
    x,
    y,
    xanchor: 'left',
    yanchor: 'bottom',
    yshift: 4,
    borderpad: 0,
    font: { size: size.heading },
  };
}
