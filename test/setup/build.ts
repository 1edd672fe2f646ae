// Tests of the command line and the kernel run the built code: build it once, before the first file.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export default function setup(): void {
  execFileSync(process.execPath, [path.resolve('src/cli/coc.cjs'), 'build'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
