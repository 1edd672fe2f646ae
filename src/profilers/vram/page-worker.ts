// The worker of the page of memory needs: the dry runs of `coc vram --stack tfjs`, and PyTorch's derived need, in a browser. publish/
// bundles it; nothing of it needs Node.
import { messageOf } from '../../base/errors';
import { techniques } from '../../memory/policy';
import { models } from '../../models/registry';
import type { VramAnswered, VramAsked, VramMessage, VramSaid } from '../../results/vram-messages';
import { derivedNeed } from '../derived/need';
import { cardMemories } from './card-memory';
import { dryRunParts, readingOf } from './dry-reading';
import type { Reading } from './reading';
import { readingBy } from './reading';
import type { BatchlessSetting } from './setting';
import { settingOptimisers, settingPrecisions } from './setting';
import { dryRunOf } from './tfjs';

/** The part of a worker's global scope that this leans on. */
interface Host {
  postMessage(message: VramMessage): void;
  onmessage: ((event: { data: VramAsked }) => void) | null;
}

/** Readings of settings that were asked for: another batch, or another card, runs nothing anew. */
const known = new Map<string, Reading>();

function readingFor(key: string, read: () => Reading): Reading {
  const reading = known.get(key) ?? read();
  known.set(key, reading);
  return reading;
}

const cards = Object.values(cardMemories);
const sayOf = (reading: Reading, batch: number): VramSaid => ({
  need: reading.need(batch),
  largestBatches: cards.map(({ bytes }) => reading.largestBatch(bytes)),
});

function answer({ id, batch, setting, precision }: VramAsked): VramAnswered {
  const policy = techniques.filter((technique) => setting.policy.includes(technique));
  // Names that there are not are refused with the setting.
  const asked = { ...setting, policy, precision: 'fp32' } as BatchlessSetting;
  const name = JSON.stringify(asked);
  const ours = readingFor(name, () => {
    const runs = dryRunParts(policy).map((part) => [part, dryRunOf(asked, part)] as const);
    return readingOf(Object.fromEntries(runs), asked.model);
  });
  const all = { id, ours: sayOf(ours, batch) };
  try {
    const theirs = { ...asked, precision } as BatchlessSetting;
    const derived = readingFor(`${name} ${precision}`, () =>
      readingBy((samples) => derivedNeed({ ...theirs, batch: samples })),
    );
    return { ...all, derived: sayOf(derived, batch), derivedMissing: null };
  } catch (error) {
    return { ...all, derived: null, derivedMissing: messageOf(error) };
  }
}

const host = globalThis as unknown as Host;
host.onmessage = ({ data }) => {
  try {
    host.postMessage({ answered: answer(data) });
  } catch (error) {
    host.postMessage({ failed: { id: data.id, message: messageOf(error) } });
  }
};
host.postMessage({
  choices: {
    models: Object.entries(models).flatMap(([name, row]) => {
      if (row.family !== 'sam') return [];
      const { imageSize: size, patchSize: patch, depth } = row.config.encoder;
      return [{ name, title: row.title, size, patch, depth }];
    }),
    precisions: settingPrecisions,
    optimisers: settingOptimisers,
    techniques,
    cards: cards.map(({ title, bytes }) => ({ title, bytes })),
  },
});
