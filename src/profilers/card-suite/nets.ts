// The nets of the bench (test/bench/nets), where the suite can run them: as one script beside the built code, which it uses. They
// live with the bench until the models take their place.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { StepDefinition, TensorTree } from '../../backends/training-step';
import { inRepo } from '../../base/paths';

/** A net of the bench before it has values. */
export type Plan = object;

/** What the script gives. */
export interface Nets {
  loraVit(size: object): Plan;
  unet3d(size: object): Plan;
  /** As the bench's peers in Python take it. */
  planForPeer(plan: Plan): object;
  /** With values, the same everywhere. */
  open(plan: Plan): { definition: StepDefinition; inputs: TensorTree; dispose: () => void };
}

/** The script: in a pack beside its built code, in a clone among what is made. */
export const netsFile = (root: string): string => path.join(root, 'card-suite-nets.cjs');

const here = (): string => (existsSync(netsFile(inRepo())) ? inRepo() : inRepo('.cache'));

/** Make the script. @param root  the folder it is written to  @param built  the folder of the built code, seen from there */
export async function writeNets(root: string, built: string): Promise<void> {
  const { build } = await import('esbuild');
  const source = inRepo('src');
  await build({
    entryPoints: [inRepo('test', 'bench', 'nets', 'index.ts')],
    outfile: netsFile(root),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'silent',
    plugins: [
      {
        name: 'ours-to-built',
        setup(bundler) {
          bundler.onResolve({ filter: /^\./ }, ({ path: imported, resolveDir }) => {
            const file = path.relative(source, path.resolve(resolveDir, imported));
            if (file.startsWith('..')) return undefined;
            return { path: `${built}/${file.split(path.sep).join('/')}.js`, external: true };
          });
        },
      },
    ],
  });
}

/** Make the script in a clone; a pack has it. */
export async function readyNets(): Promise<void> {
  if (here() !== inRepo()) await writeNets(inRepo('.cache'), '../dist');
}

/** The nets. */
export function loadNets(): Nets {
  return createRequire(__filename)(netsFile(here())) as Nets;
}
