// A profile of training for readers.
import { bytesText } from '../backends/ledger-table';
import { policyName } from '../memory/policy';
import type { TrainingProfile } from './profile-training';

/**
 * A profile for readers: a line for each policy, and the layers that hold most at the peak.
 * @param most  layers a policy
 */
export function profileText({ name, parameters, policies }: TrainingProfile, { most = 8 } = {}): string {
  const count = (n: number): string => n.toLocaleString('en-GB');
  const lines = [`${name}: ${count(parameters.trained)} numbers trained, ${count(parameters.frozen)} frozen`];
  const row = (cells: string[]): string =>
    cells.map((cell, k) => (k === 0 ? cell.padEnd(10) : cell.padStart(14))).join(' ');
  lines.push(row(['policy', 'peak', 'over weights', 'saved', 'GFLOP']) + '   layer at the peak');
  for (const one of policies) {
    const { policy, peakBytes, peakBeyondWeightsBytes, savedBytes, flops, layerAtPeak } = one;
    const bytes = [peakBytes, peakBeyondWeightsBytes, savedBytes].map(bytesText);
    const work = ((flops.products + flops.elements) / 1e9).toPrecision(4);
    lines.push(`${row([policyName(policy), ...bytes, work])}   ${layerAtPeak || '(outside all)'}`);
  }
  for (const { policy, byLayer, peakBytes } of policies) {
    lines.push('', `at the peak by layer, ${policyName(policy)}`);
    for (const { name: layer, bytes } of byLayer.slice(0, most)) {
      const share = `${((100 * bytes) / peakBytes).toFixed(1)} %`;
      lines.push(
        `  ${(layer || '(outside all)').padEnd(40)} ${bytesText(bytes).padStart(14)} ${share.padStart(8)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
