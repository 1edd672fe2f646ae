// Run as a program: prints the losses of the eager steps of the nets, as JSON. `STEPS`
import { loadCandidate } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import { open } from '../../bench/nets';
import { lossesOf, nets, plans } from './net-losses';

async function main(): Promise<void> {
  const backend = await (await loadCandidate('tensorflow')).open();
  const found: Record<string, number[]> = {};
  for (const net of nets) {
    const { definition, inputs } = open(plans[net]);
    found[net] = await lossesOf(eagerStep(backend, definition), inputs, Number(process.argv[2]));
  }
  console.log(JSON.stringify(found));
}
void main();
