// What the page of memory needs and its worker tell each other. The one reports, the other computes; they meet here.

/** One training step, as `coc vram` asks for it. */
export interface VramAsked {
  readonly id: number;
  readonly batch: number;
  readonly setting: {
    readonly model: string;
    readonly size: number;
    readonly views: number;
    readonly trained:
      | { readonly kind: 'lora'; readonly rank: number; readonly first: number }
      | { readonly kind: 'all' | 'decoder' };
    readonly optimiser: string;
    /** Techniques, in any order. */
    readonly policy: readonly string[];
  };
  /** Of PyTorch's step; ours has float32. */
  readonly precision: string;
}

/** What one stack needs, in bytes. */
export interface VramNeed {
  readonly peakBytes: number;
  readonly weightsBytes: number;
  readonly peakBeyondWeightsBytes: number;
  readonly savedBytes: number | null;
  readonly byCategory: Readonly<Record<string, number>>;
  readonly layerAtPeak: string;
  readonly flops: number;
  readonly notes: readonly string[];
}

/** What one stack says of a step. */
export interface VramSaid {
  readonly need: VramNeed;
  /** The largest batch that fits each card, in the order of the choices; 0 where one sample is too much. */
  readonly largestBatches: readonly number[];
}

/** What there is to choose from; the worker says it first. */
export interface VramChoices {
  readonly models: readonly {
    readonly name: string;
    readonly title: string;
    readonly size: number;
    readonly patch: number;
    readonly depth: number;
  }[];
  readonly precisions: readonly string[];
  readonly optimisers: readonly string[];
  readonly techniques: readonly string[];
  readonly cards: readonly { readonly title: string; readonly bytes: number }[];
}

export interface VramAnswered {
  readonly id: number;
  /** Our step, dry: to the byte. */
  readonly ours: VramSaid;
  /** PyTorch's, derived; null with the reason where it has no such step. */
  readonly derived: VramSaid | null;
  readonly derivedMissing: string | null;
}

export type VramMessage =
  | { readonly choices: VramChoices }
  | { readonly answered: VramAnswered }
  | { readonly failed: { readonly id: number; readonly message: string } };
