// What is said of a card, on a terminal and on the page.

/** A largest batch; where one sample is too much there is none. */
export const batchText = (largest: number): string => (largest > 0 ? `${largest}` : 'none');

/** Whether a step fits, and the largest batch that does: `does not fit; largest batch none`. */
export const cardText = (fits: boolean, largest: number): string =>
  `${fits ? 'fits' : 'does not fit'}; largest batch ${batchText(largest)}`;
