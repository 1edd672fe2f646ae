// The viewer of linked planes as a script for a page or a notebook's output: src/plots/web in one piece, and its data.
// Nothing is fetched from anywhere.
import { buildSync } from 'esbuild';
import { inRepo } from '../base/paths';
import type { LinkedPlanes } from '../results/linked-planes';
import { jsonForScript } from './json-script';
import { labelColours, palette, planeStyle } from './theme';

let bundled: string | undefined;

/** The browser's part, about 20 kB; `cocViewer` in the scope that it is run in. */
function bundle(): string {
  bundled ??= buildSync({
    entryPoints: [inRepo('src', 'plots', 'web', 'viewer.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName: 'cocViewer',
    target: 'es2022',
    charset: 'utf8',
    loader: { '.css': 'text' },
  })
    .outputFiles[0].text.replaceAll('</script', '<\\/script')
    .trim();
  return bundled;
}

/**
 * A script that puts viewers into places of the page. Names stay inside it.
 * @param places  an expression in JavaScript for a list of elements, each to be filled once
 * @param done    statements to run when the viewer in `place` is drawn
 */
export function viewerScript(data: LinkedPlanes, places: string, done: string): string {
  const style = { planes: planeStyle, labels: labelColours, prediction: palette.black };
  return (
    `(function(){${bundle()}\n` +
    `var data=${jsonForScript(data)};var style=${jsonForScript(style)};` +
    `${places}.forEach(function(place){` +
    `cocViewer.mount(place,data,style).then(function(){${done}}).catch(function(error){` +
    // The still picture stays.
    `console.info('the viewer stays still: '+error.message);});});})();`
  );
}
