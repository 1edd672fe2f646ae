// `--why`: what a reproduce would run and why, and which recorded results are of earlier code. Nothing is done.
import { paperResults } from '../publish/recorded';
import type { Mode } from '../results/result';
import { recordedDir } from '../results/store';
import { listNotebooks } from './notebooks';
import { selectionOf } from './only';
import type { Outdated } from './present';
import { outdatedRecord, outdatedText } from './present';
import { reasons } from './run';
import type { Reason } from './why';
import { reasonText } from './why';

export interface Explained {
  mode: Mode;
  /** Every study and notebook; none in mode stored, which runs nothing. */
  reasons: Reason[];
  outdated: Outdated[];
}

/** Say what would run. @throws InputError for an id that nothing has */
export async function explain({
  mode,
  only,
  force,
}: {
  mode: Mode;
  only?: string;
  force?: boolean;
}): Promise<Explained> {
  const selection = selectionOf(only, listNotebooks(), paperResults());
  return {
    mode,
    reasons: mode === 'stored' ? [] : await reasons(selection, mode, { force }),
    outdated: (await outdatedRecord(recordedDir())).filter(
      ({ study }) => selection.whole || selection.studies.includes(study),
    ),
  };
}

/** The same as text. */
export function explainText({ mode, reasons, outdated }: Explained): string {
  const list = (kind: Reason['kind'], title: string): string[] => {
    const some = reasons.filter((reason) => reason.kind === kind);
    return some.length > 0 ? [title, ...some.map((reason) => `  ${reasonText(reason, true)}`), ''] : [];
  };
  return [
    ...(mode === 'stored' ? ['Mode stored runs nothing.', ''] : []),
    ...list('study', 'Studies'),
    ...list('notebook', 'Notebooks'),
    ...(outdated.length > 0
      ? ['Recorded results of earlier code', ...outdated.map((one) => `  ${outdatedText(one)}`)]
      : ['Every recorded result is of the present code, spec and data.']),
  ].join('\n');
}
