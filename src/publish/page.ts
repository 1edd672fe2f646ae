// The web page: Typst's semantic HTML, dressed. Styles, fonts and pictures are inside; only plotly stands beside it,
// and nothing is asked of any server.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import katex from 'katex';
import subsetFont from 'subset-font';
import { jsonForScript } from '../plots/json-script';
import { packageFile } from './typst';

/** A figure that can come alive. */
export interface LiveFigure {
  id: string;
  /** The plotly specification. */
  spec: unknown;
}

const faces: { family: string; file: string; weight: number; style: string }[] = [
  { family: 'Libertinus Serif', file: 'libertinus-serif/400Regular', weight: 400, style: 'normal' },
  { family: 'Libertinus Serif', file: 'libertinus-serif/400Regular_Italic', weight: 400, style: 'italic' },
  { family: 'Libertinus Serif', file: 'libertinus-serif/700Bold', weight: 700, style: 'normal' },
  { family: 'Source Sans 3', file: 'source-sans-3/400Regular', weight: 400, style: 'normal' },
  { family: 'Source Sans 3', file: 'source-sans-3/600SemiBold', weight: 600, style: 'normal' },
  { family: 'Source Code Pro', file: 'source-code-pro/400Regular', weight: 400, style: 'normal' },
];

/** The page's typefaces, cut down to the characters it shows, inside the style sheet. */
export async function fontRules(html: string): Promise<string> {
  const characters = [...new Set(html.replace(/data:[^"')]*/g, '').replace(/&#x?[0-9a-f]+;/gi, ''))]
    .sort()
    .join('');
  const rules = faces.map(async ({ family, file, weight, style }) => {
    const [name, face] = file.split('/');
    const camel = name
      .split('-')
      .map((w) => w[0].toUpperCase() + w.slice(1))
      .join('');
    const ttf = packageFile(`@expo-google-fonts/${name}`, face, `${camel}_${face}.ttf`);
    const font = await subsetFont(readFileSync(ttf), characters, { targetFormat: 'woff2' });
    return `@font-face{font-family:"${family}";font-weight:${weight};font-style:${style};src:url(data:font/woff2;base64,${font.toString('base64')}) format("woff2")}`;
  });
  return (await Promise.all(rules)).join('\n');
}

/** KaTeX's style sheet with its fonts inside. */
function katexRules(): string {
  const css = readFileSync(packageFile('katex', 'dist', 'katex.min.css'), 'utf8');
  return css.replace(
    /url\(fonts\/([\w-]+\.woff2)\) format\("woff2"\)(?:,url\([^)]*\) format\("[^"]*"\))*/g,
    (_, file: string) => {
      const font = readFileSync(packageFile('katex', 'dist', 'fonts', file)).toString('base64');
      return `url(data:font/woff2;base64,${font}) format("woff2")`;
    },
  );
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&', '#x27': "'", '#39': "'" };
const unescape = (text: string): string =>
  text.replace(/&(lt|gt|quot|amp|#x27|#39);/g, (_, e: string) => entities[e]);

/** Every element with a `data-tex` gets its formula. */
function withFormulas(html: string): string {
  return html.replace(
    /<(span|div)([^>]*?) data-tex="([^"]*)"([^>]*)>/g,
    (_, tag: string, a: string, tex: string, b: string) => {
      const formula = katex.renderToString(unescape(tex), {
        displayMode: tag === 'div',
        output: 'htmlAndMathml',
      });
      return `<${tag}${a}${b}>${formula}`;
    },
  );
}

/**
 * Dress the HTML that Typst made.
 * @param html     Typst's page
 * @param figures  those that can come alive, by the id in `data-fig`
 * @param webDir   the folder of paper.css and paper.js
 * @param plotly   the name of the plotly file beside the page
 */
export async function dressPage(
  html: string,
  figures: LiveFigure[],
  webDir: string,
  plotly: string,
): Promise<string> {
  const file = (name: string): string => readFileSync(path.join(webDir, name), 'utf8');
  const body = withFormulas(html);
  const css = [await fontRules(body), katexRules(), file('paper.css')].join('\n');
  const specs = jsonForScript(Object.fromEntries(figures.map((f) => [f.id, f.spec])));
  const tail =
    `<script type="application/json" id="figures" data-plotly="${plotly}">${specs}</script>\n` +
    `<script>\n${file('paper.js')}</script>\n`;
  return body
    .replace('<html>', '<html lang="en-GB">')
    .replace('</head>', () => `<style>\n${css}</style>\n</head>`)
    .replace('</body>', () => `${tail}</body>`);
}
