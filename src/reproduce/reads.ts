// What a notebook shows that is neither its code nor a data set: rows of the register with their verdicts, published
// tables, recorded results. They are part of its identity, so that a notebook never shows what no longer stands.
import type { Claim } from '../claims/register';
import { conditionsOf, loadRegister } from '../claims/register';
import { claimRow } from '../claims/row';
import { judgeAll } from '../claims/verdict';
import { sha256OfValue } from '../base/hash';
import type { PublishedTable } from '../results/published';
import { loadPublished } from '../results/published';
import type { Result } from '../results/result';
import type { NotebookCode } from './cells';

/** What notebooks read beside data. */
export interface Documents {
  register: Claim[];
  tables: PublishedTable[];
  /** Recorded results by id. */
  recorded: ReadonlyMap<string, Result>;
}

/** The register and the published tables of the clone, with the record that verdicts rest on. */
export function documentsWith(recorded: ReadonlyMap<string, Result>): Documents {
  return { register: loadRegister(), tables: loadPublished(), recorded };
}

/** Calls in a cell that read results of any study from the record. */
const readsRecord = /\b(loadResults|recordedDir|paperResults)\b|mode: 'stored'/;

/** Digests, by name, of what a notebook shows of these documents. */
export function readsOf(
  notebook: Pick<NotebookCode, 'name' | 'studies' | 'source'>,
  { register, tables, recorded }: Documents,
): Record<string, string> {
  const { name, studies, source } = notebook;
  // A notebook that runs no study shows what others found.
  const all = studies.length === 0 || readsRecord.test(source);
  const names = (id: string): boolean => source.includes(`'${id}'`) || source.includes(`"${id}"`);
  const own = new Set([...recorded.values()].filter((r) => studies.includes(r.study)).map((r) => r.id));
  const claims = register.filter(
    (claim) =>
      all ||
      claim.test.notebook === name ||
      names(claim.id) ||
      conditionsOf(claim).some(({ result }) => result !== undefined && own.has(result)),
  );
  const rows = judgeAll(claims, recorded).map((judged) => claimRow(judged, recorded));
  const shown = tables.filter((table) => all || names(table.id) || names(`paper.${table.id}`));
  return {
    ...(rows.length > 0 && { 'paper/claims.yaml and its verdicts': sha256OfValue(rows) }),
    ...(shown.length > 0 && { 'paper/published.yaml': sha256OfValue(shown) }),
    ...(all && { 'figures/recorded': sha256OfValue(contents(recorded)) }),
  };
}

function contents(recorded: ReadonlyMap<string, Result>): unknown[] {
  return [...recorded.values()].map(({ id, value, uncertainty, table, figure }) => ({
    id,
    value,
    uncertainty,
    table,
    figure,
  }));
}
