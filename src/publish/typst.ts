// Typst from npm: source and virtual files in, PDF, HTML or SVG out. Fonts come from packages alone, so that the
// same input gives the same bytes on every machine.
import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type {
  NodeError,
  NodeTypstCompileResult,
  NodeHtmlOutputExecResult,
} from '@myriaddreamin/typst-ts-node-compiler';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';

const packages = createRequire(__filename);

/** A file inside an installed package. */
export function packageFile(name: string, ...parts: string[]): string {
  return path.join(path.dirname(packages.resolve(`${name}/package.json`)), ...parts);
}

/** The typefaces of the paper: package and the weights that are used. */
const typefaces: Record<string, string[]> = {
  'libertinus-serif': ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'],
  'source-sans-3': ['400Regular', '400Regular_Italic', '600SemiBold', '700Bold'],
  'source-code-pro': ['400Regular'],
  'stix-two-math': ['400Regular'],
};

function fontBlobs(): Buffer[] {
  return Object.entries(typefaces).flatMap(([name, weights]) =>
    weights.map((weight) => {
      const dir = packageFile(`@expo-google-fonts/${name}`, weight);
      const file = readdirSync(dir).find((f) => f.endsWith('.ttf'));
      if (!file) throw new Error(`no TrueType file in ${dir}`);
      return readFileSync(path.join(dir, file));
    }),
  );
}

interface Diagnostic {
  message: string;
  path: string;
  range: { start: { line: number; character: number } } | null;
  severity: number;
}

/** Whether pages or a web page are set; the sources read it as `sys.inputs.target`. */
export type Target = 'paged' | 'html';

/** One Typst workspace with its virtual files. */
export class Typesetter {
  private readonly compiler: NodeCompiler;

  /** @param workspace the folder that holds the sources; absolute paths in them begin there */
  constructor(private readonly workspace: string) {
    this.compiler = NodeCompiler.create({ workspace, fontArgs: [{ fontBlobs: fontBlobs() }] });
  }

  /** Make a file visible to the sources without writing it. */
  add(file: string, content: string | Uint8Array): void {
    this.compiler.mapShadow(path.join(this.workspace, file), Buffer.from(content));
  }

  /**
   * Set a source as PDF (tagged, PDF/UA-1).
   * @param seconds  the creation time to write, seconds since 1970: of the results, not of the build
   * @throws InputError with file, line and column of what Typst refuses
   */
  pdf(source: string, seconds: number): { bytes: Uint8Array; pages: number } {
    const document = this.done(this.compiler.compile(this.arguments(source, 'paged')), source);
    const bytes = this.compiler.pdf(document, { creationTimestamp: seconds, pdfStandard: 'ua-1' });
    return { bytes, pages: document.numOfPages };
  }

  /** Set a source as one picture (its first page). */
  svg(source: string): string {
    return this.compiler.plainSvg(this.done(this.compiler.compile(this.arguments(source, 'paged')), source));
  }

  /** Set a source as a semantic web page. */
  html(source: string): string {
    return this.done(this.compiler.tryHtml(this.arguments(source, 'html')), source).html();
  }

  private arguments(
    source: string,
    target: Target,
  ): { mainFilePath: string; inputs: Record<string, string> } {
    return { mainFilePath: path.join(this.workspace, source), inputs: { target } };
  }

  private done<T>(
    execution: (NodeTypstCompileResult | NodeHtmlOutputExecResult) & { result: T | null },
    source: string,
  ): T {
    const { result } = execution;
    if (result !== null) return result;
    throw this.problem(execution.takeDiagnostics(), source);
  }

  /** What Typst says, with the place in the paper that asked for it (the outermost call), not the library's line. */
  private problem(error: NodeError | null, source: string): InputError {
    const all = error ? (this.compiler.fetchDiagnostics(error) as Diagnostic[]) : [];
    const first = all.find((d) => d.severity === 1);
    const trace = all.slice(all.indexOf(first!) + 1).filter((d) => d.severity === 4);
    const place = trace.filter((d) => d.range && d.path).pop() ?? first;
    const where = place?.range
      ? `${path.relative(inRepo(), place.path)}:${place.range.start.line + 1}:${place.range.start.character + 1}`
      : path.join(path.relative(inRepo(), this.workspace), source);
    const message = (first?.message ?? 'no message').replace(/^panicked with: "([^]*)"$/, '$1');
    return new InputError({
      what: `cannot typeset ${where}`,
      given: message,
      expected: 'source that Typst can set from the results at hand',
      fix: `correct ${where}, or record the result that is missing (\`npm run reproduce -- --record\`)`,
    });
  }
}
