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
  /** @throws InputError with the reason why it cannot be used here and how to get it */
  open(options?: OpenOptions): Promise<Backend>;
}
