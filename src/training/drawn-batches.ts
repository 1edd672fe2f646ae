// Batches as tensors of a step, drawn in another thread while the step before runs.
import type { SpecTree } from '../backends/capture/specs';
import { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import type { AheadOptions } from '../sampling/ahead';
import { Ahead } from '../sampling/ahead';
import type { BatchForm } from './batch-form';
import { numbersIn, treeOf } from './batch-form';
import type { BatchPlan } from './batch-plan';
import { formOfPlan } from './batch-plan';
import type { BatchWork } from './batch-thread';
import { batchFile, batchTask } from './batch-thread';

/** A step of planes reads lines, though there be none. */
const withLines = (plan: BatchPlan, tree: object): object =>
  plan.kind === 'planes' ? { lines: {}, ...tree } : tree;

/** The shapes of a step's inputs. @throws InputError for options that do not go together */
export const batchInputs = (plan: BatchPlan): SpecTree =>
  withLines(
    plan,
    treeOf(formOfPlan(plan), ({ shape, type }) => ({ shape, dtype: type })),
  ) as SpecTree;

/** Batches `from` to before `to`, drawn ahead. */
export class DrawnBatches<I extends TensorTree> implements Disposable {
  private readonly form: BatchForm;
  private readonly ahead: Ahead;

  /**
   * @throws InputError for options that do not go together, memory that there is not, or a library that is not built;
   *   Interrupted
   */
  constructor(
    private readonly plan: BatchPlan,
    { from, to }: { from: number; to: number },
    options: AheadOptions = {},
  ) {
    this.form = formOfPlan(plan);
    const data: BatchWork = { plan, from, to };
    this.ahead = new Ahead(
      {
        file: batchFile,
        task: batchTask,
        data,
        fillings: Math.max(0, to - from),
        slotBytes: this.form.bytes,
        words: { what: 'cannot draw batches', lessMemory: 'choose smaller batches, or a smaller depth' },
      },
      options,
    );
  }

  /**
   * The next batch; blocks until it is drawn.
   * @returns tensors, the caller's to free; undefined after the last
   * @throws what went wrong in the thread; Interrupted; InputError when closed
   */
  next(): I | undefined {
    const ready = this.ahead.next();
    if (!ready) return undefined;
    const numbers = numbersIn(this.form, this.ahead.memory.slots, ready.slot);
    // Copies: a tensor keeps the array that it is made of, and the slot is filled again.
    const tree = treeOf(this.form, ({ path, shape, type }) => tf.tensor(numbers[path].slice(), shape, type));
    return withLines(this.plan, tree) as I;
  }

  close(): Promise<void> {
    return this.ahead.close();
  }

  [Symbol.dispose](): void {
    void this.close();
  }
}
