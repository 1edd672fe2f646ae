// Plain text for a terminal: wrapped paragraphs and tables whose cells wrap.

/** Wrap at spaces; a word longer than the width is cut at hyphens or dots, else anywhere. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text.split(' ');
  while (words.length > 0) {
    const word = words.shift()!;
    if (line !== '' && line.length + 1 + word.length <= width) line += ` ${word}`;
    else if (word.length <= width) {
      if (line !== '') lines.push(line);
      line = word;
    } else {
      const head = word.slice(0, width);
      const cut = Math.max(head.lastIndexOf('-'), head.lastIndexOf('.')) + 1 || width;
      words.unshift(word.slice(0, cut), word.slice(cut));
    }
  }
  if (line !== '') lines.push(line);
  return lines.length > 0 ? lines : [''];
}

/** A paragraph with every line indented. */
export function paragraph(text: string, { indent = 0, width = 100 } = {}): string {
  return wrap(text, width - indent)
    .map((line) => ' '.repeat(indent) + line)
    .join('\n');
}

/** Rows in columns of the given widths, one space apart, each cell wrapped. */
export function textTable(rows: string[][], widths: number[]): string {
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => wrap(cell, widths[i]));
      const height = Math.max(...cells.map((cell) => cell.length));
      return Array.from({ length: height }, (_, y) =>
        cells
          .map((cell, i) => (cell[y] ?? '').padEnd(widths[i]))
          .join(' ')
          .trimEnd(),
      ).join('\n');
    })
    .join('\n');
}
