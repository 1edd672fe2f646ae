// What verbs share: `--json`, progress in the terminal, Ctrl-C.
import { Option } from 'commander';
import type { Long, Progress } from '../base/progress';
import { progressLine } from '../base/progress';

/** The `--json` option: the result as JSON on stdout, progress as JSON lines on stderr. */
export function jsonOption(): Option {
  return new Option('--json', 'print the result as JSON (progress as JSON lines on stderr)');
}

/** Print a verb's result: the value as JSON with `--json`, else the text. */
export function print(options: { json?: boolean }, value: unknown, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
}

/** Progress on stderr: one line that redraws itself in a terminal, a line every five seconds elsewhere. */
export function terminalProgress(options: { json?: boolean } = {}): Progress {
  if (options.json) return (event) => process.stderr.write(`${JSON.stringify(event)}\n`);
  if (process.stderr.isTTY) {
    return (event) => {
      const line = progressLine(event).slice(0, process.stderr.columns - 1);
      process.stderr.write(`\r\x1b[2K${line}${event.finished ? '\n' : ''}`);
    };
  }
  let last = performance.now();
  return (event) => {
    const now = performance.now();
    // Short tasks say nothing until they are done; a log is no place for a moving bar.
    if (!event.finished && now - last < 5000) return;
    last = now;
    process.stderr.write(`${progressLine(event)}\n`);
  };
}

/** Progress to the terminal, and a signal that Ctrl-C aborts (a second Ctrl-C ends the process at once). */
export function terminal(options: { json?: boolean } = {}): Required<Long> {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort();
    process.once('SIGINT', () => process.exit(130));
  });
  return { signal: controller.signal, progress: terminalProgress(options) };
}
