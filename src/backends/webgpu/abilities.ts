/// <reference types="@webgpu/types" />
// What the adapter could do beyond what our device asks for. Called in a process of its own: it makes a second Dawn, which
// also shows what is still an experiment.
import { adapterOptions, dawnOptions } from './adapter';
import { dawnEntry, noAdapter } from './dawn';

/** A form in which the adapter multiplies small matrices at once: `M x K` by `K x N`. */
export interface SubgroupMatrix {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The adapter's own lists. */
export interface Abilities {
  features: string[];
  /** Limits by name; bytes where they are sizes. */
  limits: Record<string, number>;
  /** Numbers in a subgroup, least and most; null where there are no subgroups. */
  subgroupSizes: [number, number] | null;
  subgroupMatrices: SubgroupMatrix[];
}

/** Dawn's own property of an adapter, in no standard yet. */
interface DawnInfo {
  subgroupMatrixConfigs?: Iterable<SubgroupMatrix>;
}

/** Ask the adapter. @throws InputError when there is none */
export async function adapterAbilities(): Promise<Abilities> {
  const { create } = (await import(dawnEntry())) as { create: (options: string[]) => GPU };
  const gpu = create([...dawnOptions, 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter(adapterOptions);
  if (!adapter) throw noAdapter({ adapter: null, problem: 'none', message: '' });
  const { info, limits } = adapter;
  // Its properties stand on the prototype.
  const names = Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(limits)));
  const numbers = names
    .map((name) => [name, (limits as unknown as Record<string, unknown>)[name]] as const)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  const { subgroupMinSize, subgroupMaxSize } = info;
  const matrices = (info as unknown as DawnInfo).subgroupMatrixConfigs ?? [];
  return {
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(numbers),
    subgroupSizes: adapter.features.has('subgroups') ? [subgroupMinSize ?? 0, subgroupMaxSize ?? 0] : null,
    subgroupMatrices: [...matrices].map(({ componentType, resultComponentType, M, N, K }) => ({
      componentType,
      resultComponentType,
      M,
      N,
      K,
    })),
  };
}
