// The ledger by hand: a computation of which every allocation and release is known.
import { beforeAll, describe, expect, it } from 'vitest';
import { watchAllocations } from '../../src/backends/allocations';
import { candidate as cpu } from '../../src/backends/cpu';
import { inPhase } from '../../src/backends/engine-events';
import { Ledger, LedgerWriter, type Kind } from '../../src/backends/ledger';
import { ledgerDifferences } from '../../src/backends/ledger-difference';
import { ledgerCsv, ledgerTable } from '../../src/backends/ledger-table';
import { scope } from '../../src/backends/scope';
import { tf } from '../../src/backends/tf';

beforeAll(async () => {
  await cpu.open();
});

/** y = sum(square(x w)): a forward pass, a backward pass, and one update of w. */
function example(): Ledger {
  const x = tf.ones([5, 3]);
  const w = tf.ones([3, 2]);
  const watch = watchAllocations({ backend: 'cpu', given: { inputs: [x], weights: [w] } });
  const updated = tf.tidy(() => {
    const { value, grads } = tf.valueAndGrads((v: tf.Tensor) =>
      scope('net', () => tf.sum(scope('square', () => tf.square(scope('linear', () => tf.matMul(x, v)))))),
    )([w]);
    value.dispose();
    watch.declare({ gradients: grads });
    return inPhase('update', () => tf.sub(w, grads[0]));
  });
  watch.declare({ weights: [updated] });
  w.dispose();
  const ledger = watch.stop();
  tf.dispose([x, updated]);
  return ledger;
}

const kind = (known: Partial<Kind>): Kind => ({
  op: 'Add',
  shape: [2, 2],
  dtype: 'float32',
  bytes: 16,
  scope: '',
  phase: 'forward',
  category: 'temporary',
  kernelTemporary: false,
  ...known,
});

describe('a ledger', () => {
  it('names what was made, where, and what for', () => {
    const ledger = example();
    const rows = ledger
      .allocations()
      .map(({ op, shape, scope: part, phase, category, freed }) =>
        [op, shape.join('x'), part, phase, category, freed === null ? 'kept' : 'freed'].join(' | '),
      );
    expect(rows).toMatchInlineSnapshot(`
      [
        "given | 5x3 |  | given | inputs | kept",
        "given | 3x2 |  | given | weights | freed",
        "BatchMatMul | 5x2 | net/square/linear | forward | activations | freed",
        "Square | 5x2 | net/square | forward | activations | freed",
        "Sum |  | net | forward | activations | freed",
        "host |  |  | backward | temporary | freed",
        "Fill | 5x2 | net | backward | temporary | freed",
        "Multiply | 5x2 | net | backward | temporary | freed",
        "host |  | net/square | backward | temporary | freed",
        "Multiply | 5x2 | net/square | backward | temporary | freed",
        "Multiply | 5x2 | net/square | backward | temporary | freed",
        "BatchMatMul | 3x2 | net/square/linear | backward | gradients | freed",
        "Sub | 3x2 |  | update | weights | kept",
      ]
    `);
    expect(ledger.given()).toBe(60 + 24);
    expect(ledger.left()).toBe(60 + 24);
  });

  it('counts the peak as by hand', () => {
    const ledger = new LedgerWriter('by hand');
    const a = ledger.allocate(kind({ phase: 'given', op: 'given', bytes: 100, category: 'weights' }));
    const b = ledger.allocate(kind({ bytes: 40, scope: 'encoder/block 0' }));
    const c = ledger.allocate(kind({ bytes: 1000, op: 'Conv3D', kernelTemporary: true }));
    ledger.release(c);
    const d = ledger.allocate(kind({ bytes: 8, scope: 'encoder/block 1' }));
    ledger.release(b);
    ledger.allocate(kind({ bytes: 4 }));
    ledger.release(d);
    ledger.release(a);
    const done = ledger.finish();
    expect(done.peak()).toEqual({ bytes: 148, beyondGiven: 48, sequence: 4 });
    expect(done.peak({ kernelTemporaries: true })).toEqual({ bytes: 1140, beyondGiven: 1040, sequence: 2 });
    expect(done.composition('scope', { depth: 1 })).toEqual([
      { name: '', bytes: 100, allocations: 1 },
      { name: 'encoder', bytes: 48, allocations: 2 },
    ]);
    expect(done.timeline().map(({ bytes }) => bytes)).toEqual([100, 140, 148, 108, 112, 104, 4]);
    expect(done.left()).toBe(4);
  });

  it('tells every change in order, and alike allocations by one kind', () => {
    const writer = new LedgerWriter('by hand');
    const a = writer.allocate(kind({ bytes: 100 }));
    const b = writer.allocate(kind({ bytes: 40 }));
    const own = writer.allocate(kind({ op: 'Conv3D', kernelTemporary: true }));
    for (const index of [own, a]) writer.release(index);
    writer.allocate(kind({ bytes: 40 }));
    writer.change(b, { category: 'activations' });
    const done = writer.finish();
    const changes = (kernelTemporaries: boolean) => {
      const found: string[] = [];
      const kinds = new Set<Kind>();
      done.forEachChange(
        (own, sign, sequence, index) => {
          kinds.add(own);
          found.push([sequence, sign * own.bytes, own.category, index].join(' '));
        },
        { kernelTemporaries },
      );
      return { found, kinds: kinds.size };
    };
    expect(changes(false)).toEqual({
      found: ['0 100 temporary 0', '1 40 activations 1', '4 -100 temporary 0', '5 40 temporary 3'],
      kinds: 3,
    });
    expect(changes(true).found).toHaveLength(6);
    expect(done.events().map(({ sequence }) => sequence)).toEqual([0, 1, 4, 5]);
  });

  it('comes back from its compact form, and its CSV adds up', () => {
    const ledger = example();
    const json = JSON.stringify(ledger);
    const back = Ledger.fromJSON(JSON.parse(json));
    expect(back.allocations()).toEqual(ledger.allocations());
    expect(ledgerDifferences(ledger, back)).toEqual([]);
    const rows = ledgerCsv(ledger).trim().split('\n').slice(1);
    expect(rows).toHaveLength(ledger.events().length);
    expect(Math.max(...rows.map((row) => Number(row.split(',')[2])))).toBe(ledger.peak().bytes);
    expect(ledgerTable(ledger)).toContain(`peak ${ledger.peak().bytes} bytes`);
    expect(() => Ledger.fromJSON({ format: 'ledger/2' })).toThrow(/ledger\/1/);
  });
});

describe('two ledgers', () => {
  /** The same fifty allocations, each freed three later, one of them changed. */
  const planted = (plant: { at: number; bytes?: number; leak?: true; extra?: true }): Ledger => {
    const writer = new LedgerWriter('by hand');
    const made: number[] = [];
    for (let k = 0; k < 50; k++) {
      const here = k === plant.at;
      if (here && plant.extra) writer.allocate(kind({ op: 'Copy', bytes: 16 }));
      made.push(writer.allocate(kind({ op: `Op${k % 7}`, bytes: 16 + (here ? (plant.bytes ?? 0) : 0) })));
      if (k >= 3 && !(plant.leak && k - 3 === plant.at)) writer.release(made[k - 3]);
    }
    return writer.finish();
  };
  const right = planted({ at: -1 });

  it('agree when they are the same', () => expect(ledgerDifferences(right, planted({ at: -1 }))).toEqual([]));
  it('tell four bytes too much', () => {
    expect(ledgerDifferences(right, planted({ at: 20, bytes: 4 })).map(({ message }) => message)).toEqual([
      'allocation 20, Op6 [2, 2] float32 (forward): 16 bytes, and 20 in the second ledger (+4)',
    ]);
  });
  it('tell a leak', () => {
    expect(ledgerDifferences(right, planted({ at: 20, leak: true })).map(({ message }) => message)).toEqual([
      'allocation 20, Op6 [2, 2] float32 (forward): 16 bytes are never freed in the second ledger',
    ]);
  });
  it('tell an allocation too many, and one that is missing', () => {
    const extra = planted({ at: 20, extra: true });
    expect(ledgerDifferences(right, extra).map(({ message }) => message)).toEqual([
      'allocation 20, Copy [2, 2] float32 (forward), 16 bytes: not in the first ledger',
    ]);
    expect(ledgerDifferences(extra, right).map(({ kind: what, bytes }) => [what, bytes])).toEqual([
      ['missing', -16],
    ]);
  });
});
