// The page of memory needs: `coc vram` in a browser, without a server. Its dry runs are those of the command, in a worker whose code
// is in the page; nothing is fetched from anywhere.
import { build } from 'esbuild';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import { css } from '../plots/pages';

const style = `${css}
body{max-width:70rem}
form{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.75rem 1.5rem;margin:1rem 0}
form label:not([hidden]){display:flex;flex-direction:column;gap:.2rem}
form label.box{flex-direction:row;display:inline-flex;margin-right:1rem}
fieldset{grid-column:1/-1;border:1px solid #d9d9d9}
.results{display:grid;gap:1.5rem;overflow-x:auto}
.results[aria-busy=true]{opacity:.5}
td{text-align:right}
th{text-align:left;font-weight:400}
thead th{font-weight:600;white-space:normal}
thead th:not(:first-child){text-align:right}
`;

/** One file of the browser's, with all that it needs. */
async function bundle(entry: string, globalName?: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    ...(globalName && { globalName }),
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    logLevel: 'silent',
  });
  return outputFiles[0].text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--').trim();
}

/** The page, about 2 MB: most of it is TensorFlow.js. */
export async function vramPage(): Promise<string> {
  const worker = await bundle(inRepo('src', 'profilers', 'vram', 'page-worker.ts'));
  const script = await bundle(inRepo('src', 'plots', 'web', 'vram.ts'), 'cocVram');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What a training step needs of a card</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>What a training step needs of a card</h1>
<p>The study's step: planes through one voxel, a shared encoder and mask decoder, a loss of segmentation and Eq. 2, gradients, update. Ours is
run on shapes in this page, allocation by allocation, as <code>coc vram --stack tfjs</code> runs it; PyTorch's need is derived from the same shapes. GiB is 2<sup>30</sup> bytes; hover over a
number for the bytes.</p>
<div id="place">This page needs scripts.</div>
</main>
<script type="text/plain" id="worker">${worker}</script>
<script>${script}
cocVram.mount(document.getElementById('place'), document.getElementById('worker').textContent);</script>
</body>
</html>
`;
}

/** Write it. @param file  default figures/vram.html @returns its path */
export async function writeVramPage(file: string = inRepo('figures', 'vram.html')): Promise<string> {
  writeFileAtomic(file, await vramPage());
  return file;
}
