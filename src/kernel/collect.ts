// Turns what a kernel publishes into the outputs that a notebook stores.
import { z } from 'zod';
import type { CellError } from './cell-error';
import type { Output } from './nbformat';
import type { Message } from './wire';

const stream = z.object({ name: z.string(), text: z.string() });
const anything = z.record(z.string(), z.unknown());
const display = z.object({
  data: anything,
  metadata: anything.default({}),
  transient: z.object({ display_id: z.string().optional() }).default({}),
});
const result = display.extend({ execution_count: z.number().int() });
const error = z.object({ ename: z.string(), evalue: z.string(), traceback: z.array(z.string()) });
const clear = z.object({ wait: z.boolean().default(false) });
const lateMark = z.object({ 'cost-of-consistency': z.object({ late_error: error }) });

/** The outputs of one run of a notebook: a later cell may update a display of an earlier one. */
export class Collector {
  private readonly displays = new Map<
    string,
    { data: Record<string, unknown>; metadata: Record<string, unknown> }[]
  >();

  /** Outputs in the making, by the id of the execute request. */
  private readonly cells = new Map<string, { outputs: Output[]; clearNext: boolean }>();

  /** An error that no cell waited for, when none ran. */
  lateError: CellError | undefined;

  /** Gather what belongs to this request. The array fills as messages come. */
  begin(request: string): Output[] {
    const outputs: Output[] = [];
    this.cells.set(request, { outputs, clearNext: false });
    return outputs;
  }

  /** Take one message of the kernel. */
  take({ header, parent, content, metadata }: Message): void {
    const cell = this.cells.get(parent.msg_id ?? '');
    if (!cell) return;
    const { outputs } = cell;
    const add = (output: Output): void => {
      if (cell.clearNext) outputs.length = 0;
      cell.clearNext = false;
      outputs.push(output);
    };
    switch (header.msg_type) {
      case 'stream': {
        const { name, text } = stream.parse(content);
        const late = lateMark.safeParse(metadata);
        if (late.success) this.lateError ??= late.data['cost-of-consistency'].late_error;
        const last = cell.clearNext ? undefined : outputs.at(-1);
        if (last?.output_type === 'stream' && last.name === name) last.text += text;
        else add({ output_type: 'stream', name, text });
        break;
      }
      case 'display_data':
        add(this.remember({ output_type: 'display_data', ...display.parse(content) }));
        break;
      case 'execute_result':
        add(this.remember({ output_type: 'execute_result', ...result.parse(content) }));
        break;
      case 'update_display_data': {
        const { data, metadata: about, transient } = display.parse(content);
        for (const shown of this.displays.get(transient.display_id ?? '') ?? []) {
          shown.data = data;
          shown.metadata = about;
        }
        break;
      }
      case 'error':
        add({ output_type: 'error', ...error.parse(content) });
        break;
      case 'clear_output':
        if (clear.parse(content).wait) cell.clearNext = true;
        else outputs.length = 0;
        break;
    }
  }

  private remember<Shown extends Extract<Output, { data: unknown }>>(
    output: Shown & { transient: { display_id?: string } },
  ): Shown {
    const { transient, ...stored } = output;
    const shown = stored as unknown as Shown;
    const id = transient.display_id;
    if (id !== undefined) this.displays.set(id, [...(this.displays.get(id) ?? []), shown]);
    return shown;
  }
}

/** A carriage return starts the line again, as front ends show it: a bar drawn that way keeps its last state. */
export function settleLines(text: string): string {
  return text.replace(/[^\n]*\r(?=[^\n])/g, '');
}
