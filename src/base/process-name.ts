// Which process is this, and is it still there? Told by its number and its start, never by the clock on the wall:
// numbers are given out again, and clocks jump.
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { sha256 } from './hash';

/** A process of some machine. As text: `place-pid-start`. */
export interface ProcessName {
  /** The machine since it was started, and the container: what process numbers belong to. */
  place: string;
  pid: number;
  /** When it began, in the machine's own count; empty where the system does not tell. */
  start: string;
}

/** The name of this process. */
export function thisProcess(): ProcessName {
  return { place: thisPlace(), pid: process.pid, start: startOf(process.pid) ?? '' };
}

/** Whether a process is there; `elsewhere` when its numbers are those of another machine or container. */
export function stateOf({ place, pid, start }: ProcessName): 'alive' | 'dead' | 'elsewhere' {
  if (place !== thisPlace()) return 'elsewhere';
  const now = startOf(pid);
  return now === undefined || now !== start ? 'dead' : 'alive';
}

let place: string | undefined;

function thisPlace(): string {
  const read = (what: () => string): string => {
    try {
      return what();
    } catch {
      return '';
    }
  };
  return (place ??= sha256(
    [
      os.hostname(),
      read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      read(() => readlinkSync('/proc/self/ns/pid')),
    ].join('\n'),
  ).slice(0, 8));
}

/** When a process began, as the system counts; undefined when there is none of this number. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      // Fields after the name in brackets: the first is the state, the twentieth the start in ticks since boot.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  if (process.platform === 'win32') return '';
  try {
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC0' };
    const began = execFileSync('ps', ['-o', 'lstart=', '-p', `${pid}`], { encoding: 'utf8', env });
    return sha256(began.trim()).slice(0, 8);
  } catch {
    return undefined;
  }
}
