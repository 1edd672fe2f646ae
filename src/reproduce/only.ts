// `--only ID`: a study, a notebook or a figure, and what of the whole it needs.
import { InputError } from '../base/errors';
import { studies } from '../experiments/registry';
import type { Result } from '../results/result';
import type { NotebookCode } from './cells';

/** What a reproduce takes in hand. */
export interface Selection {
  /** Studies that are run and recorded. */
  studies: string[];
  notebooks: NotebookCode[];
  /** Whether a figure is drawn. */
  draws: (result: Result) => boolean;
  /** Whether it is everything. */
  whole: boolean;
}

/**
 * What an id selects; everything without one.
 * @param results  results with the figures that can be asked for, by id
 * @throws InputError for an id that nothing has, with those near it
 */
export function selectionOf(
  id: string | undefined,
  notebooks: readonly NotebookCode[],
  results: ReadonlyMap<string, Result>,
): Selection {
  const some = (part: Omit<Selection, 'whole'>): Selection => ({ ...part, whole: false });
  if (id === undefined) {
    const all = [...new Set(notebooks.flatMap((n) => n.studies))];
    return { studies: all, notebooks: [...notebooks], draws: () => true, whole: true };
  }
  if (id in studies) return some({ studies: [id], notebooks: [], draws: (r) => r.study === id });
  const notebook = notebooks.find((n) => n.name === id);
  if (notebook) {
    return some({
      studies: notebook.studies,
      notebooks: [notebook],
      draws: (r) => notebook.studies.includes(r.study),
    });
  }
  const figure = results.get(id);
  if (figure?.figure) {
    return some({
      // A published figure has no study of ours.
      studies: figure.study in studies ? [figure.study] : [],
      notebooks: [],
      draws: (r) => r.id === id,
    });
  }
  const figures = [...results.values()].filter((r) => r.figure).map((r) => r.id);
  const near = nearest(id, [...Object.keys(studies), ...notebooks.map((n) => n.name), ...figures]);
  throw new InputError({
    what: `cannot reproduce only ${id}`,
    given: 'no study, notebook or figure of this name',
    expected: `near it are ${near.join(', ')}`,
    fix: 'take one of these; `coc reproduce --why` lists studies and notebooks',
  });
}

/** The five names nearest to a word, by the letters that must change (Levenshtein), parts of names counting as much. */
function nearest(word: string, names: readonly string[]): string[] {
  const distance = (name: string): number =>
    Math.min(...[name, ...name.split(/[.-]/)].map((part) => edits(word, part) / Math.max(1, part.length)));
  return [...new Set(names)].sort((a, b) => distance(a) - distance(b) || (a < b ? -1 : 1)).slice(0, 5);
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1]));
    row = next;
  }
  return row[b.length];
}
