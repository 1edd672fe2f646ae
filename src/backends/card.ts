// NVIDIA's card, as its driver tells it.
import { spawnSync } from 'node:child_process';

/** A graphics card. */
export interface Card {
  name: string;
  driver: string;
  /** Its memory in MiB, as `nvidia-smi` counts. */
  memoryMiB: number;
}

/** The cards that `nvidia-smi` lists, in the order of their bus (CUDA_DEVICE_ORDER=PCI_BUS_ID); none where it does not answer. */
export function nvidiaCards(): Card[] {
  const { status, stdout } = spawnSync(
    'nvidia-smi',
    ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader,nounits'],
    { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true },
  );
  if (status !== 0) return [];
  return stdout
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === 3)
    .map(([name, driver, memory]) => ({ name, driver, memoryMiB: Number(memory) }));
}

/** The card that CUDA counts as the first; `CUDA_VISIBLE_DEVICES` may name another than the first on the bus. */
export function firstCard(cards: Card[] = nvidiaCards()): Card | undefined {
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0].trim();
  return cards[visible !== undefined && /^\d+$/.test(visible) ? Number(visible) : 0];
}
