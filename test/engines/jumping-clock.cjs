// The clock on the wall jumps by years, forwards and backwards, at each look; the machine's steady clock does not.
'use strict';
const years = [-40, 80, 0, -25, 110];
let looks = 0;
const Real = Date;
const now = () => Real.UTC(2026 + years[looks++ % years.length], looks % 12);
globalThis.Date = class extends Real {
  constructor(...given) {
    super(...(given.length > 0 ? given : [now()]));
  }
  static now() {
    return now();
  }
};
