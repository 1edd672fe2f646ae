// exp, log, sine and cosine with the same bits on every machine.
//
// Engines may differ in the last bit of Math.exp, log, pow, sin and cos; + - * / are exact everywhere. A seed must give
// the same crops and angles on every machine, so what is drawn goes through these. Their relative error is below 1e-15.

/** log 2 in two parts: the first has few bits, so that whole multiples of it are exact. */
const LN2_HIGH = 0.693147180369123816490173339844;
const LN2_LOW = 1.90821492927058770002e-10;

/** e to the power x, for |x| up to 700. */
export function exp(x: number): number {
  const doublings = Math.round(x / (LN2_HIGH + LN2_LOW));
  const rest = x - doublings * LN2_HIGH - doublings * LN2_LOW;
  // Taylor's series, Horner's way; |rest| <= 0.35, so 15 terms do.
  let sum = 1;
  for (let n = 15; n > 0; n--) sum = 1 + (rest / n) * sum;
  const factor = doublings < 0 ? 0.5 : 2;
  for (let n = Math.abs(doublings); n > 0; n--) sum *= factor;
  return sum;
}

/** Natural logarithm of a positive number. */
export function log(x: number): number {
  let mantissa = x;
  let doublings = 0;
  for (; mantissa > 1.4; mantissa /= 2) doublings++;
  for (; mantissa < 0.7; mantissa *= 2) doublings--;
  // log m = 2 artanh((m - 1) / (m + 1)); the argument is at most 1/6.
  const s = (mantissa - 1) / (mantissa + 1);
  let sum = 0;
  for (let n = 23; n > 0; n -= 2) sum = sum * s * s + 1 / n;
  return doublings * LN2_HIGH + (2 * s * sum + doublings * LN2_LOW);
}

/** base to the power exponent; 0 to a positive power is 0. */
export function power(base: number, exponent: number): number {
  return base === 0 ? 0 : exp(exponent * log(base));
}

/** Sine and cosine of an angle in degrees; quarter turns give 0, 1 and -1 exactly. */
export function sineAndCosine(degrees: number): { sine: number; cosine: number } {
  const quarters = Math.round(degrees / 90);
  const x = (degrees - 90 * quarters) * 0.017453292519943295;
  let s = 0;
  let c = 0;
  // Taylor's series, Horner's way; |x| <= pi / 4.
  for (let n = 10; n > 0; n--) {
    s = (1 + s) * ((-x * x) / (2 * n * (2 * n + 1)));
    c = (1 + c) * ((-x * x) / (2 * n * (2 * n - 1)));
  }
  const sine = x + x * s;
  const cosine = 1 + c;
  // + 0 turns -0 into 0.
  switch (((quarters % 4) + 4) % 4) {
    case 0:
      return { sine, cosine };
    case 1:
      return { sine: cosine, cosine: -sine + 0 };
    case 2:
      return { sine: -sine + 0, cosine: -cosine };
    default:
      return { sine: -cosine, cosine: sine };
  }
}

/** The nearest whole number, halves to the even one (as torch and Python round). */
export function roundHalfToEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
