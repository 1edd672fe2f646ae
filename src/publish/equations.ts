// Equations are written once, in TeX: this turns them into Typst for the PDF; the web page keeps the TeX for KaTeX.
import { InputError, messageOf } from '../base/errors';
import { proseOfTypst } from './prose';

/**
 * Typst for every formula in some sources.
 * @param sources  file name to Typst source; formulas are the raw arguments of `m(...)` and `eq(...)`
 * @returns TeX to Typst math
 * @throws InputError naming the place of TeX that cannot be turned
 */
export async function equationsOf(sources: Record<string, string>): Promise<Record<string, string>> {
  const { tex2typst } = await import('tex2typst');
  const equations: Record<string, string> = {};
  for (const [file, source] of Object.entries(sources)) {
    for (const { tex, offset } of proseOfTypst(source).formulas) {
      try {
        equations[tex] = tex2typst(tex);
      } catch (error) {
        const line = source.slice(0, offset).split('\n').length;
        throw new InputError({
          what: `cannot set the formula in ${file}:${line}`,
          given: `${tex} (${messageOf(error)})`,
          expected: 'TeX that tex2typst knows',
          fix: 'write the formula with plainer commands',
        });
      }
    }
  }
  return equations;
}
