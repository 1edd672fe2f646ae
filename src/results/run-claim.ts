// A claim on a run: who computes it now. Two sweeps at once must not compute one run twice, and a process that was killed
// must not bar it.
//
// A claim is an empty file whose name says whose it is. Announce first, look second: who sees another live claim
// withdraws and comes back later, so two can never both go on; and as no two names are equal, removing the claim of a
// dead process can never remove a live one. Nothing here looks at the clock on the wall.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stateOf, thisProcess } from '../base/process-name';

/** Seconds between two signs of life, which only other machines need. */
const BEAT = 5;
/** The claim of another machine is void when it gave no sign of life for so many seconds of ours. */
const SILENCE = 60;

/** A claim that is held. */
export interface Claim {
  /** Give it back; safe to call twice. */
  release(): void;
}

/** Claim the run of a folder. @returns undefined when another process has it: look again after a moment */
export function claim(folder: string): Claim | undefined {
  const { place, pid, start } = thisProcess();
  const own = `${place}-${pid}-${start}-${randomBytes(4).toString('hex')}`;
  const file = path.join(folder, 'claims', own);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '', { flag: 'wx' });
  if (ownerOf(folder, own) !== undefined) {
    rmSync(file, { force: true });
    return undefined;
  }
  let beats = 0;
  const heart = setInterval(() => {
    // Any time other than the last one will do: it is compared for equality only.
    beats++;
    try {
      utimesSync(file, beats, beats);
    } catch {
      // Gone or read-only: the claim may then be taken over, and the first result wins.
    }
  }, BEAT * 1000);
  heart.unref();
  return {
    release: () => {
      clearInterval(heart);
      rmSync(file, { force: true });
    },
  };
}

/** Whose live claim a run has, as `process 42`, beside `own`; undefined when it is free. Claims of the dead are removed. */
export function ownerOf(folder: string, own?: string): string | undefined {
  let names: string[];
  try {
    names = readdirSync(path.join(folder, 'claims'));
  } catch {
    return undefined;
  }
  for (const name of names) {
    if (name === own) continue;
    const file = path.join(folder, 'claims', name);
    const [place, pid, start] = name.split('-');
    const state = stateOf({ place, pid: Number(pid), start });
    if (state === 'alive') return `process ${pid}`;
    if (state === 'elsewhere' && !isSilent(file)) return `process ${pid} of another machine`;
    try {
      rmSync(file, { force: true });
    } catch {
      // A read-only store: nobody can claim anything there.
    }
  }
  return undefined;
}

/** When we first saw a foreign claim's last sign of life, by our own steady clock. */
const seen = new Map<string, { sign: number; since: number }>();

function isSilent(file: string): boolean {
  const sign = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (sign === undefined) return true;
  const last = seen.get(file);
  if (last?.sign !== sign) {
    seen.set(file, { sign, since: performance.now() });
    return false;
  }
  return performance.now() - last.since > SILENCE * 1000;
}
