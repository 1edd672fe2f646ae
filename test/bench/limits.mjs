// Ratios beside their limits: green or red on a terminal, in words everywhere; a miss makes the exit code 1.
import { appendFileSync } from 'node:fs';

let missed = 0;

/**
 * Note a comparison with a peer for `npm run bench -- --json`, which says by COC_BENCH_ROWS where it collects them.
 * @param goal  the most that oursMs may be of peerMs, or null
 */
export function row({ name, oursMs, peer, peerMs, goal = null }) {
  if (!process.env.COC_BENCH_ROWS) return;
  const line = JSON.stringify({ name, oursMs, peer, peerMs, ratio: oursMs / peerMs, goal });
  appendFileSync(process.env.COC_BENCH_ROWS, `${line}\n`);
}

/**
 * Print a ratio beside its limit.
 * @param name    what is compared
 * @param ratio   what was measured
 * @param low     its interval, from low to high, or undefined
 * @param limit   `{ atMost }` or `{ atLeast }`
 */
export function judge(name, { value, low, high }, limit) {
  const held = 'atMost' in limit ? value <= limit.atMost : value >= limit.atLeast;
  if (!held) missed++;
  const interval = low === undefined ? '' : ` (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})`;
  const bound = 'atMost' in limit ? `at most ${limit.atMost}` : `at least ${limit.atLeast}`;
  const word = held ? 'held' : 'MISSED';
  console.log(`  ${painted(word, held)} ${name}: ${value.toFixed(2)}${interval}, limit ${bound}`);
}

/** Say how many limits were missed, and leave with 1 if any was. */
export function finish() {
  if (missed === 0) return;
  console.log(`${missed} limit${missed > 1 ? 's' : ''} missed`);
  process.exitCode = 1;
}

function painted(word, held) {
  return process.stdout.isTTY ? `\u001b[${held ? 32 : 31}m${word}\u001b[0m` : word;
}
