// The executed step on PyTorch, in a process of its own (executed_step.py), under a limit of address space where there is one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { Interrupted } from '../base/errors';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import type { Drawn } from './executed-step-files';
import { networkOf } from './executed-step-files';
import type { Executed } from './executed-step-ours';

const message = z.union([
  z.strictObject({
    opened: z.strictObject({ versions: z.record(z.string(), z.string()), threads: z.number() }),
  }),
  z.strictObject({ stage: z.string() }),
  z.strictObject({
    done: z.strictObject({
      loss: z.number(),
      seconds: z.number(),
      gradients: z.record(z.string(), z.string()),
      withGradient: z.number(),
      trained: z.number(),
    }),
  }),
  /** PyTorch or Python could not allocate. */
  z.strictObject({ exhausted: z.string(), after: z.number() }),
  z.strictObject({ failed: z.string(), after: z.number() }),
  z.strictObject({
    peaks: z.strictObject({ residentBytes: z.number(), addressBytes: z.number(), baseBytes: z.number() }),
  }),
]);

export interface TorchRequest {
  drawn: Drawn;
  folder: string;
  planes: 1 | 3;
  /** Blocks are computed again in the backward pass. */
  checkpointed: boolean;
  /** Of address space, beyond what Python and PyTorch have before there is a model; null for none. */
  limitBytes: number | null;
  blocks: readonly number[];
}

export interface TorchRun {
  /** As of a limited process of ours: false only where an allocation was refused. */
  fits: boolean | null;
  executed: Executed | null;
  error: string | null;
  seconds: number;
  residentBytes: number | null;
  /** Most address space, beyond what Python and PyTorch had. */
  addressBytes: number | null;
  versions: Record<string, string>;
}

/** The Python that may have PyTorch. */
export const python = (): string => process.env.COC_PYTHON ?? 'python3';

/** The shape of the network in the words of torch_sam.py. */
function formOf(drawn: Drawn): object {
  const { encoder, sam } = networkOf(drawn);
  return {
    size: drawn.size,
    patch: encoder.patchSize,
    width: encoder.width,
    depth: encoder.depth,
    heads: encoder.heads,
    hidden: encoder.hidden,
    window: encoder.window,
    whole: encoder.globalBlocks,
    neck: encoder.neck,
    decoder_heads: sam.decoder.heads,
    decoder_hidden: sam.decoder.hidden,
  };
}

/** Characters of a process's last words that are kept. */
const tail = 600;

/**
 * What is freed goes back to the system at once. Else the C library keeps tensors of up to 32 MiB in its own heaps, and a limit of
 * address space measures those heaps' holes.
 */
const givesBack = { MALLOC_MMAP_THRESHOLD_: String(2 ** 20), MALLOC_TRIM_THRESHOLD_: String(2 ** 20) };

/** Run it. What fails, PyTorch's absence too, is part of the answer. @throws Interrupted */
export async function torchStep(
  { drawn, ...rest }: TorchRequest,
  { signal, stage }: Pick<Long, 'signal'> & { stage?: (what: string) => void } = {},
): Promise<TorchRun> {
  const began = performance.now();
  const script = inRepo('src', 'experiments', 'executed_step.py');
  const request = {
    ...rest,
    form: formOf(drawn),
    rank: drawn.rank,
    sam: inRepo('src', 'profilers', 'card-suite'),
  };
  const child = spawn(python(), [script, JSON.stringify(request)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...givesBack },
  });
  const stop = (): boolean => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  let words = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-tail)));
  const run: TorchRun = {
    fits: null,
    executed: null,
    error: null,
    seconds: 0,
    residentBytes: null,
    addressBytes: null,
    versions: {},
  };
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const said = message.parse(JSON.parse(line));
    if ('opened' in said) run.versions = said.opened.versions;
    else if ('stage' in said) stage?.(said.stage);
    else if ('done' in said) Object.assign(run, { fits: true, executed: said.done });
    else if ('peaks' in said) {
      const { residentBytes, addressBytes } = said.peaks;
      Object.assign(run, { residentBytes, addressBytes });
    } else if ('exhausted' in said) Object.assign(run, { fits: false, error: said.exhausted });
    else run.error = said.failed;
  });
  const end = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`could not be started (${error.message})`));
    child.on('close', (code, by) => resolve(by ? `ended by ${by}` : `ended with code ${code}`));
  });
  signal?.removeEventListener('abort', stop);
  if (signal?.aborted) throw new Interrupted('a step on PyTorch');
  run.seconds = (performance.now() - began) / 1000;
  if (run.fits === null && run.error === null)
    run.error = `its process ${end}${words.trim() ? `; its last words: ${words.trim()}` : ''}`;
  return run;
}
