// What computes: the interface of a chosen backend, and of a candidate for it.
import type { Long } from '../base/progress';

/** The backends, in the order in which they are tried. */
export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

/** Bytes in use, as far as a backend can tell. */
export interface BackendMemory {
  /** Live tensors. */
  tensors: number;
  /** Bytes of live tensors, each alias counted (TensorFlow.js's own count). */
  tensorBytes: number;
  /** Bytes of live buffers; null where the backend does not say, with the reason in `note`. */
  bufferBytes: number | null;
  note?: string;
}

/** A backend that is open and was found right by the self-test. It is TensorFlow.js's current backend. */
export interface Backend {
  name: BackendName;
  /** What computes, in words: processor or card. */
  device: string;
  /** The card's name; null on a processor. */
  gpu: string | null;
  /** The card's driver; null where there is none or it does not say. */
  driver: string | null;
  /** Versions of whatever computes the numbers: `tfjs`, `tensorflow`, `dawn`, ... */
  versions: Record<string, string>;
  /** What a reader must know beside its numbers. */
  notes?: readonly string[];
  /**
   * Run one step, wait until the device is done with it, and fail when the device reported an error.
   * Tensors that `f` returns are the caller's; all others are freed, when it fails too.
   * @throws Error naming `what` and the device's message
   */
  step<T>(what: string, f: () => T): Promise<T>;
  memory(): BackendMemory;
  /** Give back memory that the backend keeps for later use, so that the next reading starts clean. */
  flush(): void;
}

/** How a candidate is opened. */
export interface OpenOptions extends Long {
  /** It was asked for by name (`COC_BACKEND`, an option). What is not worth choosing by itself, as a software adapter, opens only then. */
  asked?: boolean;
}

/** A backend that may be chosen. */
export interface Candidate {
  name: BackendName;
  /**
   * Make it TensorFlow.js's current backend. Opened again in one process it is the same backend, at once.
   * @throws InputError whose `given` is the reason why it cannot be used here, and whose `fix` says how to get it
   */
  open(options?: OpenOptions): Promise<Backend>;
  /**
   * The files of machine code that it would load; none where it would refuse for want of them. Such code can end the
   * process: it is tried in a process of its own first (guard.ts).
   */
  machineCode?(): string[];
}

/** A backend that was tried and is not used. */
export interface Rejection {
  name: BackendName;
  reason: string;
  /** How to get it. */
  fix: string;
}
