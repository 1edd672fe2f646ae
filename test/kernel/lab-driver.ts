// Drives JupyterLab as a reader does: starts `coc lab`, opens notebooks in Chromium, clicks and types, and reads
// what the page shows, what was saved and what the server says.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { z } from 'zod';
import { inRepo } from '../../src/base/paths';
import { chromium as chromiumPath, python } from '../setup/peers';

// What runs in the page is compiled without the browser's types.
interface Node {
  getAttribute: (name: string) => string | null;
  dispatchEvent: (event: unknown) => void;
}
declare const document: { querySelector: (selector: string) => Node };
declare const MouseEvent: new (type: string, how: object) => unknown;
declare const MutationObserver: new (act: () => void) => { observe: (node: Node, what: object) => void };

const Announced = z.object({ url: z.string(), pid: z.number(), version: z.string(), from: z.string() });
const Output = z
  .object({ output_type: z.string(), text: z.union([z.string(), z.array(z.string())]).optional() })
  .loose();
const Notebook = z.object({
  cells: z.array(
    z
      .object({
        id: z.string(),
        cell_type: z.string(),
        source: z.union([z.string(), z.array(z.string())]),
        outputs: z.array(Output).optional(),
      })
      .loose(),
  ),
});
const Sessions = z.array(
  z.object({ path: z.string(), kernel: z.object({ id: z.string(), execution_state: z.string() }) }),
);

/** Wait until a condition holds. @throws when it does not in time, with what was seen last */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 20,
  seen: () => unknown = () => '',
): Promise<T> {
  const giveUp = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > giveUp) throw new Error(`${what}: not within ${seconds} s. ${String(await seen())}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie still answers to signal 0: ask what state it is in.
    const state = /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    return state !== 'Z';
  } catch {
    return false;
  }
}

/** One `coc lab` with a scratch folder for its notebooks, and a Chromium that looks at it. */
export class LabSession {
  private opened = 0;
  private constructor(
    readonly process: ChildProcess,
    readonly server: z.infer<typeof Announced>,
    readonly ended: Promise<number | null>,
    private readonly words: () => string,
    private readonly folder: string,
    private readonly browser: Browser,
    readonly context: BrowserContext,
  ) {}

  /** @param args  options for `jupyter lab` */
  static async start(...args: string[]): Promise<LabSession> {
    mkdirSync(inRepo('.cache'), { recursive: true });
    const folder = mkdtempSync(inRepo('.cache', 'lab-test-'));
    cpSync(inRepo('test', 'cases', 'lab'), folder, { recursive: true });
    const settings = path.join(folder, 'settings');
    // No question about news in front of the notebook.
    const file = path.join(settings, '@jupyterlab', 'apputils-extension', 'notification.jupyterlab-settings');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ fetchNews: 'false', checkForUpdates: false }));
    const child = spawn(
      process.execPath,
      [
        inRepo('src/cli/coc.cjs'),
        'lab',
        '--no-browser',
        '--json',
        '--',
        '--ContentsManager.allow_hidden=True',
        ...args,
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          PATH: [path.dirname(python), process.env.PATH].join(path.delimiter),
          JUPYTER_CONFIG_DIR: path.join(folder, 'config'),
          JUPYTER_DATA_DIR: path.join(folder, 'data'),
          JUPYTERLAB_SETTINGS_DIR: settings,
          JUPYTERLAB_WORKSPACES_DIR: path.join(folder, 'workspaces'),
        },
      },
    );
    let out = '';
    let err = '';
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const server = await until(
      'coc lab says where it is',
      () =>
        child.exitCode === null
          ? out.includes('}') && Announced.parse(JSON.parse(out))
          : Announced.parse(out),
      60,
      () => err,
    );
    const browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    return new LabSession(child, server, ended, () => err, folder, browser, context);
  }

  /** Open a notebook of test/cases/lab, or one that `copy` made, in a page of its own. */
  async open(name: string): Promise<LabPage> {
    const url = new URL(this.server.url);
    const file = path.join(this.folder, `${name}.ipynb`);
    // A workspace of its own shows this notebook and no other.
    url.pathname += `/workspaces/test${++this.opened}/tree/${path.relative(inRepo(), file)}`;
    const page = await this.context.newPage();
    await page.goto(url.href);
    const notebook = new LabPage(this, page, file);
    await notebook.ready();
    return notebook;
  }

  /** A cell that waits for the file `go` waits from now on, until what is returned is called. */
  holdCells(): () => void {
    const go = path.join(this.folder, 'go');
    rmSync(go, { force: true });
    return () => writeFileSync(go, '');
  }

  /** A changed copy of a saved notebook: Jupyter has no signature of it, so it is not trusted. */
  untrustedCopy(from: LabPage, name: string): void {
    const saved = Notebook.parse(JSON.parse(readFileSync(from.file, 'utf8')));
    const raw = JSON.parse(readFileSync(from.file, 'utf8')) as z.infer<typeof Notebook>;
    raw.cells[0].source = `${[saved.cells[0].source].flat().join('')}\n// from somebody else`;
    writeFileSync(path.join(this.folder, `${name}.ipynb`), JSON.stringify(raw));
  }

  /** Jupyter's own interface, e.g. `sessions`. */
  api(what: string, method = 'GET'): Promise<Response> {
    const url = new URL(this.server.url);
    return fetch(new URL(`${url.pathname.replace(/lab$/, '')}api/${what}${url.search}`, url), { method });
  }

  /** What Jupyter and `coc lab` wrote on stderr. */
  stderr(): string {
    return this.words();
  }

  async close(): Promise<void> {
    await this.browser.close();
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGINT');
    await this.ended;
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One notebook open in one page. Cells go by their ids in the file. */
export class LabPage {
  constructor(
    readonly lab: LabSession,
    readonly page: Page,
    readonly file: string,
  ) {}

  private index(id: string): number {
    const at = this.saved().cells.findIndex((cell) => cell.id === id);
    if (at < 0) throw new Error(`no cell ${id} in ${this.file}`);
    return at;
  }

  saved(): z.infer<typeof Notebook> {
    return Notebook.parse(JSON.parse(readFileSync(this.file, 'utf8')));
  }

  cell(id: string): Locator {
    return this.page.locator('.jp-Notebook .jp-Cell').nth(this.index(id));
  }

  /** The notebook is drawn, and its kernel is there and idle. */
  async ready(seconds = 40): Promise<void> {
    await this.page
      .locator('.jp-Notebook .jp-Cell')
      .first()
      .waitFor({ timeout: seconds * 1000 });
    await this.idle(seconds);
  }

  /** What the server says of this notebook's kernel. */
  async kernel(): Promise<{ id: string; execution_state: string } | undefined> {
    const sessions = Sessions.parse(await (await this.lab.api('sessions')).json());
    return sessions.find((session) => session.path === path.relative(inRepo(), this.file))?.kernel;
  }

  status(): Promise<string | null> {
    return this.page.locator('.jp-Notebook-ExecutionIndicator').getAttribute('data-status');
  }

  /** The page and the server agree that the kernel is idle (the page alone says so before there is a kernel, too). */
  async idle(seconds = 30): Promise<void> {
    const states = async () => [(await this.kernel())?.execution_state, await this.status()];
    await until('idle', async () => (await states()).every((state) => state === 'idle'), seconds, states);
  }

  /** The cell's mark: `[ ]:`, `[*]:`, `[3]:`. */
  async mark(id: string): Promise<string> {
    return ((await this.cell(id).locator('.jp-InputPrompt').textContent()) ?? '').trim();
  }

  /** The cell has run: it has a number. */
  async ran(id: string, seconds = 30): Promise<number> {
    const number = async (): Promise<number | undefined> => {
      const digits = /\d+/.exec(await this.mark(id))?.[0];
      return digits === undefined ? undefined : Number(digits);
    };
    return until(
      `cell ${id} has run`,
      number,
      seconds,
      async () => `${await this.mark(id)} ${await this.text(id)}`,
    );
  }

  /** The text of the cell's outputs (also where the page leaves undrawn what is out of sight). */
  async text(id: string): Promise<string> {
    return (await this.cell(id).locator('.jp-OutputArea-output').allTextContents()).join('\n');
  }

  /** The cell shows a text. */
  async shows(id: string, text: string | RegExp, seconds = 20): Promise<void> {
    const there = async (): Promise<boolean> => {
      const now = await this.text(id);
      return typeof text === 'string' ? now.includes(text) : text.test(now);
    };
    await until(`cell ${id} shows ${String(text)}`, there, seconds, () => this.text(id));
  }

  async select(id: string): Promise<void> {
    await this.cell(id).locator('.jp-InputPrompt').click();
  }

  /** Start a cell as a reader does: click on it, Shift+Enter. */
  async start(id: string): Promise<void> {
    await this.select(id);
    await this.page.keyboard.press('Shift+Enter');
  }

  /** Run a cell to its end; its number. */
  async run(id: string, seconds = 30): Promise<number> {
    const before = await this.mark(id);
    await this.start(id);
    await until(`cell ${id} runs`, async () => (await this.mark(id)) !== before, seconds);
    return this.ran(id, seconds);
  }

  async menu(menu: string, item: string): Promise<void> {
    await this.page.locator('.lm-MenuBar-itemLabel', { hasText: new RegExp(`^${menu}$`) }).click();
    await this.page.locator('.lm-Menu-itemLabel', { hasText: new RegExp(`^${item}$`) }).click();
  }

  /** A button of the notebook's tool bar, by its command. */
  async button(command: string): Promise<void> {
    await this.page.locator(`.jp-NotebookPanel-toolbar [data-command="${command}"]`).first().click();
  }

  async interrupt(): Promise<void> {
    await this.button('notebook:interrupt-kernel');
  }

  /** Type a line at the end of a cell. */
  async type(id: string, line: string): Promise<void> {
    await this.cell(id).locator('.cm-content').click();
    await this.page.keyboard.press('Control+End');
    await this.page.keyboard.press('Enter');
    await this.page.keyboard.type(line);
  }

  /** The text in a cell's editor. */
  code(id: string): Promise<string> {
    return this.cell(id).locator('.cm-content').innerText();
  }

  /** What the completer offers. */
  completions(): Promise<string[]> {
    return this.page.locator('.jp-Completer-match').allInnerTexts();
  }

  /** Record the kernel status that the page shows from now on; call the answer to read it, without repeats. */
  async watchStatus(): Promise<() => Promise<string[]>> {
    const seen = await this.page.locator('.jp-Notebook-ExecutionIndicator').evaluateHandle((element) => {
      const indicator = element as Node;
      const statuses = [indicator.getAttribute('data-status') ?? ''];
      new MutationObserver(() => {
        const status = indicator.getAttribute('data-status') ?? '';
        if (statuses.at(-1) !== status) statuses.push(status);
      }).observe(indicator, { attributes: true });
      return statuses;
    });
    return () => seen.jsonValue();
  }

  /** Start a cell, and the next one in the very moment in which the page says idle again (no round trip between). */
  async startBoth(id: string): Promise<void> {
    const next = this.page.evaluate(
      ({ indicator, run }) =>
        new Promise<void>((resolve) => {
          let busy = false;
          const look = (): void => {
            const status = document.querySelector(indicator).getAttribute('data-status');
            busy ||= status === 'busy';
            if (!busy || status !== 'idle') return void setTimeout(look, 1);
            document
              .querySelector(run)
              .dispatchEvent(new MouseEvent('mousedown', { button: 0, bubbles: true }));
            resolve();
          };
          look();
        }),
      {
        indicator: '.jp-Notebook-ExecutionIndicator',
        run: '.jp-NotebookPanel-toolbar [data-command="notebook:run-cell-and-select-next"]',
      },
    );
    await this.start(id);
    await next;
  }

  /** Restart the kernel and answer the question that follows. */
  async restart(): Promise<void> {
    await this.button('notebook:restart-kernel');
    await this.page.locator('.jp-Dialog .jp-mod-accept').click();
  }

  /** Save, and give what is then in the file, by cell id: the text of its streams, and its outputs. */
  async save(): Promise<Map<string, { streams: string; outputs: z.infer<typeof Output>[] }>> {
    const before = readFileSync(this.file, 'utf8');
    await this.page.keyboard.press('Control+s');
    await until('the notebook is saved', () => readFileSync(this.file, 'utf8') !== before);
    await until('the notebook is whole', () => {
      try {
        return this.saved();
      } catch {
        return undefined;
      }
    });
    return new Map(
      this.saved().cells.map(({ id, outputs = [] }) => [
        id,
        { outputs, streams: outputs.map((output) => [output.text ?? []].flat().join('')).join('') },
      ]),
    );
  }

  /** Close the page and end the notebook's kernel, so that the next test has the machine. */
  async close(): Promise<void> {
    await this.page.close();
    const kernel = await this.kernel();
    if (kernel) await this.lab.api(`kernels/${kernel.id}`, 'DELETE');
  }
}
