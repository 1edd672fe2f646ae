// Training steps of SAM on a card, as data: which models, planes, ways to the gradient and limits of memory. Ours and PyTorch's
// (torch_sam_step.py) run the same network on the same numbers.
//
// About this long on an H100, where a process takes some ten seconds to begin and a step one or two: our times 9 minutes, our memory
// 16, PyTorch's times 2, its memory 5. An estimate, from the FLOPs of dry runs; what is out of memory waits ten seconds more, as
// TensorFlow's allocator does. With --limit a part goes on where it was stopped.
import { z } from 'zod';
import type { ModelName } from '../../models/registry';
import type { Policy } from '../../memory/policy';
import { parsePolicy, tape } from '../../memory/policy';
import type { Setting } from '../vram/setting';

/** One step that is run in a process of its own. */
export interface SamReading {
  /** `sam-vit-h, 3 planes, lean+chunked, 15 GiB`. */
  readonly id: string;
  readonly model: Extract<ModelName, 'sam-vit-b' | 'sam-vit-h' | 'tiny-64'>;
  /** Pixels along each side of a plane. */
  readonly size: number;
  readonly planes: 1 | 3;
  /** Of ours a memory policy, or `captured`: one tape as a graph of TensorFlow. Of PyTorch's `one graph` or `checkpointed`. */
  readonly way: string;
  /** What the allocator may have; null for what there is. */
  readonly limitBytes: number | null;
}

/** Who computes. */
export type SamStack = 'ours' | 'torch';
/** What is read: times, by several steps; or memory, by two of them, under limits too. */
export type SamTask = 'sam times' | 'sam memory';

type Ways = Readonly<Record<1 | 3, readonly string[]>>;
interface Plan {
  models: readonly SamReading['model'][];
  size: number;
  ways: Readonly<Record<SamStack, Ways>>;
  /** Cards that are emulated, and the ways that are tried on them. */
  limits: readonly number[];
  limited: Readonly<Record<SamStack, Ways>>;
}

const [MiB, GiB] = [2 ** 20, 2 ** 30];
const torchWays = ['one graph', 'checkpointed'];
const both = (ways: readonly string[]): Ways => ({ 1: ways, 3: ways });

const full: Plan = {
  models: ['sam-vit-b', 'sam-vit-h'],
  size: 1024,
  ways: {
    ours: {
      1: ['captured', 'tape', 'lean', 'recompute', 'chunked', 'lean+chunked', 'recompute+lean+chunked'],
      // prettier-ignore
      3: ['captured', 'tape', 'lean', 'recompute', 'chunked', 'per-plane', 'lean+chunked', 'per-plane+lean+chunked', 'per-plane+recompute+lean+chunked'],
    },
    torch: both(torchWays),
  },
  // What a T4 and an A100 of 40 GB have.
  limits: [15 * GiB, 39.5 * GiB],
  limited: {
    ours: {
      1: ['captured', 'tape', 'lean+chunked', 'recompute+lean+chunked'],
      3: ['captured', 'tape', 'lean+chunked', 'per-plane+recompute+lean+chunked'],
    },
    torch: both(torchWays),
  },
};
const rehearsed: Plan = {
  models: ['tiny-64'],
  size: 64,
  ways: {
    ours: { 1: ['tape'], 3: ['captured', 'tape', 'per-plane+recompute+lean+chunked'] },
    torch: { 1: ['one graph'], 3: torchWays },
  },
  // Between what the plain tape needs for three planes and what the others do.
  limits: [24 * MiB],
  limited: {
    ours: { 1: [], 3: ['tape', 'per-plane+recompute+lean+chunked'] },
    torch: { 1: [], 3: ['one graph'] },
  },
};

/** All readings of a stack. */
export function samReadings(rehearse: boolean, stack: SamStack, task: SamTask): SamReading[] {
  const { models, size, ways, limits, limited } = rehearse ? rehearsed : full;
  const readings = (of: Ways, limitBytes: number | null): SamReading[] =>
    models.flatMap((model) =>
      ([1, 3] as const).flatMap((planes) =>
        of[planes].map((way) => ({
          id: `${model}, ${planes === 1 ? '1 plane' : '3 planes'}, ${way}${limitBytes === null ? '' : `, ${limitText(limitBytes)}`}`,
          ...{ model, size, planes, way, limitBytes },
        })),
      ),
    );
  return [
    ...readings(ways[stack], null),
    ...(task === 'sam memory' ? limits.flatMap((limit) => readings(limited[stack], limit)) : []),
  ];
}

const limitText = (bytes: number): string => (bytes >= GiB ? `${bytes / GiB} GiB` : `${bytes / MiB} MiB`);

/** A reading by its id. */
export const samReading = (rehearse: boolean, stack: SamStack, id: string): SamReading | undefined =>
  samReadings(rehearse, stack, 'sam memory').find((reading) => reading.id === id);

/** Steps of a reading, the first included, which also opens, captures or finds its kernels. */
export const stepsOf = (rehearse: boolean, task: SamTask): number =>
  task === 'sam memory' || rehearse ? 2 : 4;

/** What of a card TensorFlow finds free: the unit before all readings of memory, for a limit is told as what is left alone. */
export const roomUnit = 'what is free';

/** The way of a reading of ours as a policy; undefined of what is captured, and of PyTorch's. */
export const policyOf = ({ way }: SamReading): Policy | undefined =>
  way === 'captured' || torchWays.includes(way) ? undefined : parsePolicy(way);

/** A reading as `coc vram` takes it: what has no policy there is the plain tape. */
export const settingOf = (reading: SamReading): Setting => ({
  model: reading.model,
  size: reading.size,
  views: reading.planes,
  batch: 1,
  precision: 'fp32',
  trained: { kind: 'lora', rank: 4, first: 0 },
  optimiser: 'adam',
  policy: policyOf(reading) ?? tape,
});

/** What a process says of a reading. */
export const samResultSchema = z.strictObject({
  end: z.enum(['done', 'out of memory', 'not run']),
  /** Why it is not done; empty where it is. */
  message: z.string(),
  /** Of each step after the first. */
  seconds: z.array(z.number().positive()),
  firstSeconds: z.number().positive().nullable(),
  /** Before each step: equal weights give equal losses. */
  losses: z.array(z.number()),
  /** Most bytes by dry run, weights and all; null where there is none. */
  dryBytes: z.number().nullable(),
  /** Most bytes in the stack's own allocator, where the stack tells; ours is read from TensorFlow's log. */
  peakBytes: z.number().nullable(),
});
export type SamResult = z.infer<typeof samResultSchema>;

/** A result without numbers. */
export const samEnd = (
  end: SamResult['end'],
  message: string,
  dryBytes: number | null = null,
): SamResult => ({ end, message, seconds: [], firstSeconds: null, losses: [], dryBytes, peakBytes: null });

/** A step whose dry run needs this many times what there is would not fit, however an allocator rounds. */
const hopeless = 1.25;

/**
 * Why a step is not run: its dry run says that it does not fit by far.
 * @param haveBytes  the limit, or what the card has; null where neither is known
 */
export function refusalOf(dryBytes: number, haveBytes: number | null): string | undefined {
  if (haveBytes === null || dryBytes <= hopeless * haveBytes) return undefined;
  const gib = (bytes: number): string => (bytes / GiB).toFixed(1);
  return `by dry run it needs ${gib(dryBytes)} GiB where there are ${gib(haveBytes)}`;
}
