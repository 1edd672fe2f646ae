// The tracked sources of the paper.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Every Typst source in the folder of the paper: name (as errors give it) to text. */
export function paperSources(paperDir: string): Record<string, string> {
  const name = path.basename(paperDir);
  const files = readdirSync(paperDir)
    .filter((f) => f.endsWith('.typ'))
    .sort();
  return Object.fromEntries(files.map((f) => [`${name}/${f}`, readFileSync(path.join(paperDir, f), 'utf8')]));
}
