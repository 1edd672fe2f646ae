// The code of a notebook as one text that can be bundled, so that its identity covers what the cells really import.
import path from 'node:path';
import ts from 'typescript';
import { readJson } from '../base/files';

/** A notebook as far as a reproduce needs to know it. */
export interface NotebookCode {
  file: string;
  /** File name without `.ipynb`. */
  name: string;
  /** Ids of the studies it runs (`metadata.coc.studies`). */
  studies: string[];
  /** Imports first, then each cell in a block of its own. */
  source: string;
  /** Ids of its code cells, in order: a run's outputs are found by them. */
  cells: string[];
}

interface NotebookFile {
  cells: { cell_type: string; id: string; source: string | string[] }[];
  metadata: { coc?: { studies?: string[] } };
}

/** Read a notebook's code; prose and outputs are left out. */
export function notebookCode(file: string): NotebookCode {
  const notebook = readJson(file) as NotebookFile;
  const cells = notebook.cells.filter((cell) => cell.cell_type === 'code');
  return {
    file,
    name: path.basename(file, '.ipynb'),
    studies: notebook.metadata.coc?.studies ?? [],
    source: joinCells(cells.map((cell) => [cell.source].flat().join(''))),
    cells: cells.map((cell) => cell.id),
  };
}

/**
 * Cells as one module. Imports move to the top, each line once; a cell may declare a name again, so each becomes a
 * block. Names that one cell declares and another uses are free names in the bundle: that does no harm, since every
 * cell's text is in it whole.
 */
export function joinCells(cells: string[]): string {
  const imports = new Set<string>();
  const blocks = cells.map((cell) => {
    const parsed = ts.createSourceFile('cell.ts', cell, ts.ScriptTarget.ES2022, true);
    let rest = '';
    for (const statement of parsed.statements) {
      if (ts.isImportDeclaration(statement)) for (const line of importLines(statement)) imports.add(line);
      else rest += statement.getFullText();
    }
    return `{${rest}\n}`;
  });
  return [...imports, ...blocks].join('\n');
}

/** An import, one line for each name, so that the same name from two cells is one line. */
function importLines(statement: ts.ImportDeclaration): string[] {
  const from = statement.moduleSpecifier.getText();
  const clause = statement.importClause;
  if (!clause) return [`import ${from};`];
  const lines: string[] = [];
  if (clause.name) lines.push(`import ${clause.name.text} from ${from};`);
  const named = clause.namedBindings;
  if (named && ts.isNamespaceImport(named)) lines.push(`import ${named.getText()} from ${from};`);
  if (named && ts.isNamedImports(named)) {
    for (const element of named.elements) lines.push(`import { ${element.getText()} } from ${from};`);
  }
  return lines;
}
