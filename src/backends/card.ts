// NVIDIA's cards, as their driver tells them: the one place that asks `nvidia-smi`.
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A graphics card. */
export interface Card {
  name: string;
  driver: string;
  /** Its memory in MiB, as `nvidia-smi` counts. */
  memoryMiB: number;
}

/** Rows of numbers and words, as `nvidia-smi --query-...` prints them. */
const csv = ['--format=csv,noheader,nounits'];
const fieldsOf = (line: string): string[] => line.split(',').map((field) => field.trim());

/** The cards that `nvidia-smi` lists, in the order of their bus (CUDA_DEVICE_ORDER=PCI_BUS_ID); none where it does not answer. */
export function nvidiaCards(signal?: AbortSignal): Promise<Card[]> {
  const query = ['--query-gpu=name,driver_version,memory.total', ...csv];
  return new Promise((resolve) => {
    execFile('nvidia-smi', query, { signal, timeout: 20_000, windowsHide: true }, (error, stdout) => {
      const rows = error ? [] : stdout.split('\n').map(fieldsOf);
      resolve(
        rows
          .filter((fields) => fields.length === 3)
          .map(([name, driver, memory]) => ({ name, driver, memoryMiB: Number(memory) })),
      );
    });
  });
}

/** The place of the card that CUDA counts as the first; `CUDA_VISIBLE_DEVICES` may name another than the first on the bus. */
function firstIndex(): number {
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0].trim();
  return visible !== undefined && /^\d+$/.test(visible) ? Number(visible) : 0;
}

/** The card that CUDA counts as the first. */
export async function firstCard(signal?: AbortSignal): Promise<Card | undefined> {
  return (await nvidiaCards(signal))[firstIndex()];
}

/** What the driver counts as in use, in MiB: on the whole first card, and by one process where it names processes. */
export interface DriverMemory {
  card: number | null;
  process: number | null;
}

/** Readings of the driver, several a second, until they are ended. */
export interface DriverWatch {
  /** The latest reading. */
  now(): DriverMemory;
  /** The largest of all readings since the last call of `restart`. */
  peak(): DriverMemory;
  restart(): void;
  end(): void;
}

/** Watch the memory of the first card, and what process `pid` has of it. Where there is no `nvidia-smi`, all stays null. */
export function watchDriver(pid: number, everyMs = 100): DriverWatch {
  let latest: DriverMemory = { card: null, process: null };
  let most = latest;
  const larger = (a: number | null, b: number | null): number | null =>
    a === null ? b : b === null ? a : Math.max(a, b);
  const note = (reading: Partial<DriverMemory>): void => {
    latest = { ...latest, ...reading };
    most = { card: larger(most.card, latest.card), process: larger(most.process, latest.process) };
  };
  const follow = (query: string, each: (fields: string[]) => void): (() => void) => {
    const child = spawn('nvidia-smi', [query, ...csv, `--loop-ms=${everyMs}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    });
    child.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => each(fieldsOf(line)));
    return () => child.kill();
  };
  // Lines of all cards come one after another: the index says which is ours.
  const ends = [
    follow('--query-gpu=index,memory.used', ([index, used]) => {
      if (Number(index) === firstIndex() && Number.isFinite(Number(used))) note({ card: Number(used) });
    }),
    follow('--query-compute-apps=pid,used_memory', ([of, used]) => {
      if (Number(of) === pid && Number.isFinite(Number(used))) note({ process: Number(used) });
    }),
  ];
  return {
    now: () => latest,
    peak: () => most,
    restart: () => void (most = latest),
    end: () => ends.forEach((end) => end()),
  };
}
