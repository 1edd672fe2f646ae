// The kernel by its own protocol: one kernel for the file, spoken to as a front end does.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KernelClient } from '../../src/kernel/client';
import type { Message } from '../../src/kernel/wire';

let kernel: KernelClient;
const heard: Message[] = [];
beforeAll(async () => {
  kernel = await KernelClient.start({ cwd: 'test/cases' });
  kernel.listenTo((message) => heard.push(message));
});
afterAll(() => kernel.shutdown());

const of = (id: string, type?: string): Message[] =>
  heard.filter(({ parent, header }) => parent.msg_id === id && (!type || header.msg_type === type));
const said = (id: string): string =>
  of(id, 'stream')
    .map(({ content }) => String(content.text))
    .join('');
const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('outputs', () => {
  it('all of 20,000 lines and 3,000 displays of one loop arrive, in order', async () => {
    const lines = kernel.execute('for (let i = 0; i < 20000; i++) console.log(`line ${i}`);');
    expect(await lines.done).toMatchObject({ status: 'ok' });
    expect(said(lines.id).trim().split('\n')).toEqual(Array.from({ length: 20000 }, (_, i) => `line ${i}`));
    const displays = kernel.execute(
      "import { display } from 'tslab'; for (let i = 0; i < 3000; i++) display.text(`${i}`);",
    );
    expect(await displays.done).toMatchObject({ status: 'ok' });
    const shown = of(displays.id, 'display_data').map(({ content }) => content.data);
    expect(shown).toEqual(Array.from({ length: 3000 }, (_, i) => ({ 'text/plain': `${i}` })));
  });

  it('late output goes to its own cell', async () => {
    const first = kernel.execute("setTimeout(() => console.log('late'), 200); void 0;");
    await first.done;
    const second = kernel.execute("await new Promise((r) => setTimeout(r, 500)); console.log('second')");
    await second.done;
    expect(said(first.id)).toBe('late\n');
    expect(said(second.id)).toBe('second\n');
  });
});

describe('the queue', () => {
  it('an error aborts what was queued, and nothing else', async () => {
    const cells = ["throw new Error('stop')", '1', '2'].map((code) => kernel.execute(code));
    const states = await Promise.all(cells.map(async ({ done }) => (await done).status));
    expect(states).toEqual(['error', 'aborted', 'aborted']);
    expect(await kernel.execute('3').done).toMatchObject({ status: 'ok' });
  });

  it('goes on after an error that may happen', async () => {
    const may = kernel.execute("throw new Error('may')", { stop_on_error: false });
    const next = kernel.execute('4');
    expect((await may.done).status).toBe('error');
    expect((await next.done).status).toBe('ok');
  });

  it('is busy while a cell runs, also after a question in between', async () => {
    const cell = kernel.execute('await new Promise((r) => setTimeout(r, 3000));');
    await sleep(300);
    const { matches } = await kernel.request('complete_request', { code: 'conso', cursor_pos: 5 }).done;
    expect(matches).toContain('console');
    await sleep(50);
    const states = heard.filter(({ header }) => header.msg_type === 'status');
    expect(states.at(-1)!.content.execution_state).toBe('busy');
    await cell.done;
    await sleep(50);
    expect(heard.filter(({ header }) => header.msg_type === 'status').at(-1)!.content.execution_state).toBe(
      'idle',
    );
  });

  it('answers a history request', async () => {
    expect(await kernel.request('history_request').done).toMatchObject({ status: 'ok', history: [] });
  });
});

describe('an interrupt ends', () => {
  it.each([
    ['a busy loop', 'while (true);'],
    ['a busy loop after an await', 'await 0; while (true);'],
    ['a busy loop after a timer', 'await new Promise((r) => setTimeout(r, 5)); while (true);'],
    ['a busy loop in a timer', 'setTimeout(() => { while (true); }, 5); await new Promise(() => 0);'],
    ['a loop of microtasks', 'while (true) await 0;'],
    ['an awaiting loop', 'for (;;) { await new Promise((r) => setTimeout(r, 10)); }'],
    ['a wait for nothing', 'await new Promise(() => 0);'],
  ])('%s', async (_, code) => {
    const cell = kernel.execute(code);
    await sleep(400);
    await kernel.interrupt();
    expect(await cell.done).toMatchObject({ status: 'error', ename: 'Interrupted' });
    expect(await kernel.execute('1 + 1').done).toMatchObject({ status: 'ok' });
  });

  it('what the cell left running as well', async () => {
    const cell = kernel.execute(
      'globalThis.count = 0; for (;;) { await new Promise((r) => setTimeout(r, 5)); (globalThis as any).count++; }'.replace(
        'globalThis.count',
        '(globalThis as any).count',
      ),
    );
    await sleep(500);
    await kernel.interrupt();
    await cell.done;
    const counts = [];
    for (let i = 0; i < 2; i++) {
      const ask = kernel.execute('(globalThis as any).count');
      await ask.done;
      counts.push(of(ask.id, 'execute_result')[0].content.data);
      await sleep(200);
    }
    expect(counts[1]).toEqual(counts[0]);
  });

  it('nothing when it comes late', async () => {
    await kernel.execute('5').done;
    await kernel.interrupt();
    kernel.process.kill('SIGINT');
    expect(await kernel.execute('await new Promise((r) => setTimeout(r, 300)); 6').done).toMatchObject({
      status: 'ok',
    });
  });
});

describe('code that listens', () => {
  it('hears the interrupt through cell().signal and ends in its own words', async () => {
    const cell = kernel.execute(
      "import { cell } from '../../dist';\n" +
        "await new Promise((_, no) => { cell().signal.addEventListener('abort', () => no(new Error('put away'))); console.log('listening'); });",
    );
    await vi.waitFor(() => expect(said(cell.id)).toBe('listening\n'), { timeout: 20_000 });
    await kernel.interrupt();
    expect(await cell.done).toMatchObject({ status: 'error', evalue: 'put away' });
  });
});

it('a rejection that nobody handles fails the running cell and not the kernel', async () => {
  expect(await kernel.execute("void Promise.reject(new Error('stray'));").done).toMatchObject({
    status: 'error',
    evalue: 'stray',
  });
  expect(await kernel.execute('7').done).toMatchObject({ status: 'ok' });
});
