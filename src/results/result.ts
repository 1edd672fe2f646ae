// Result: the only way by which a number reaches a figure, a table or the paper's prose.
import { z } from 'zod';

/** Where a number comes from. */
export const kinds = ['paper', 'derived', 'dry-run', 'measured', 'assumed'] as const;
/** How much was run: nothing (drawn from the record), a CPU-sized run, or paper scale. */
export const modes = ['stored', 'quick', 'full'] as const;

const identifier = z
  .string()
  .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/, 'ids are lower-case words joined by dots and hyphens');

const cell = z.union([z.string(), z.number(), z.null()]);

const table = z.strictObject({
  /** One entry a column; `digits` says how many decimals a number shows. */
  columns: z.array(
    z.strictObject({
      key: z.string(),
      title: z.string(),
      unit: z.string().optional(),
      digits: z.number().int().min(0).max(6).optional(),
      align: z.enum(['left', 'right']).optional(),
    }),
  ),
  rows: z.array(z.record(z.string(), cell)),
});

const figure = z.strictObject({
  /** The builder in plots/ that draws `data`. */
  builder: z.string(),
  data: z.json(),
});

const interval = z.strictObject({
  low: z.number(),
  high: z.number(),
  level: z.number().gt(0).lt(1),
  method: z.string(),
  n: z.number().int().positive(),
});

const device = z.strictObject({
  cpu: z.string(),
  cores: z.number().int().positive(),
  memoryGiB: z.number().positive(),
  platform: z.string(),
  gpu: z.string().nullable(),
  driver: z.string().nullable(),
});

const texts = z.record(z.string(), z.string());

/** What a run depended on: what must change before it is run again (made in identity.ts). */
export const identitySchema = z.strictObject({
  /** Hash over everything below but the modules, whose code is in `code`. */
  hash: z.string(),
  /** Hash of the spec. */
  spec: z.string(),
  /** Hash of the minified bundle. */
  code: z.string(),
  /** Every file of ours in the bundle with the hash of what it gives to it: tells which module changed. */
  modules: texts,
  /** Packages the bundle imports, with all they need, by place in the lock: version and integrity. */
  packages: texts,
  /** Digests of the data that went in, by name. */
  data: texts,
  /** What computes, and its versions; empty where nothing but JavaScript does. */
  backend: texts,
});

/** What a study file holds once for all its results. */
export const provenanceSchema = z.strictObject({
  mode: z.enum(modes),
  /** ISO 8601, UTC. */
  date: z.string(),
  /** The commit of the code, or `unknown` outside git. */
  commit: z.string(),
  /** Whether tracked files differed from that commit. */
  dirty: z.boolean(),
  device,
  /** Node and whatever library computed the numbers. */
  versions: z.record(z.string(), z.string()),
  /** The seed of every random draw, null where nothing is drawn. */
  seed: z.union([z.number(), z.string()]).nullable(),
  /** Data that went in: file or generator, and its SHA-256. */
  inputs: z.array(z.strictObject({ name: z.string(), sha256: z.string().length(64) })),
  identity: identitySchema,
  /** What the run took: seconds, and the most memory that its process held in MB (1e6 bytes; peak resident set). */
  cost: z.strictObject({ seconds: z.number().nonnegative(), memoryMB: z.number().nonnegative() }),
  /** What a reader must know beside the number: a fallback that was taken, a synthetic input. */
  notes: z.array(z.string()),
});

/** A result as a study states it, before provenance is added. */
export const findingSchema = z
  .strictObject({
    id: identifier,
    /** What it is, as a phrase that can stand in a table. */
    title: z.string().min(3),
    kind: z.enum(kinds),
    /** UCUM-like unit; `1` for ratios, empty for tables and figures. */
    unit: z.string(),
    value: z.number().optional(),
    uncertainty: interval.nullable(),
    table: table.optional(),
    figure: figure.optional(),
    /** Formula of a derived number, or the place a published one stands in. */
    source: z.string().optional(),
  })
  .refine((f) => [f.value, f.table, f.figure].filter((x) => x !== undefined).length === 1, {
    error: 'a result is exactly one of value, table and figure',
  });

export type Kind = (typeof kinds)[number];
export type Mode = (typeof modes)[number];
export type Table = z.infer<typeof table>;
export type Device = z.infer<typeof device>;
export type Identity = z.infer<typeof identitySchema>;
export type Provenance = z.infer<typeof provenanceSchema>;
export type Finding = z.infer<typeof findingSchema>;

/** A finding with its provenance; `origin` says whether it was computed now or read from the record. */
export type Result = Finding & Provenance & { study: string; origin: 'fresh' | 'stored' };
