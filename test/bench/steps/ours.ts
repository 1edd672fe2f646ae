// Our side of the bench, in a process of its own: `BACKEND captured|eager`. Asked as the peers are (peers/answer.py), by a
// row's name: `{"row": NAME}` opens it, `{"steps": n}` runs it n times and times each.
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { BackendName } from '../../../src/backends/backend';
import { captureStep } from '../../../src/backends/capture/capture';
import { chooseBackend } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import type { TrainingStep } from '../../../src/backends/training-step';
import { nets, open, operations } from '../nets';
import type { Workload } from '../nets';

const asked = z.union([z.object({ row: z.string() }), z.object({ steps: z.number().int().min(1) })]);
const say = (answer: object): void => console.log(JSON.stringify(answer));

async function main(): Promise<void> {
  const [, , name, how] = process.argv;
  const backend = await chooseBackend({ backend: name as BackendName });
  const versions = Object.entries(backend.versions).map(([what, version]) => `${what} ${version}`);
  say({ says: `${backend.name} ${how}: ${[backend.device, ...versions].join(', ')}` });

  let now: { workload: Workload; step: TrainingStep } | undefined;
  const close = (): void => {
    now?.step.dispose();
    now?.workload.dispose();
    now = undefined;
  };
  const openRow = async (row: string): Promise<string> => {
    close();
    const plan = [...operations, ...nets].find((plan) => plan.name === row)!;
    const workload = open(plan);
    if (how === 'eager') {
      now = { workload, step: eagerStep(backend, workload.definition) };
      return 'eager';
    }
    const { inputs, definition } = workload;
    const step = await captureStep(backend, definition, { inputs, compiler: 'auto' });
    now = { workload, step };
    const { compiler } = step.provenance;
    return `captured, ${compiler!.compiler} (${compiler!.why})`;
  };
  const run = async (steps: number): Promise<object> => {
    const { workload, step } = now!;
    const [milliseconds, losses]: [number[], number[]] = [[], []];
    for (let k = 0; k < steps; k++) {
      const begin = performance.now();
      const { loss } = await step.run(workload.inputs);
      const [value] = await loss.data();
      milliseconds.push(performance.now() - begin);
      losses.push(value);
      loss.dispose();
    }
    return { milliseconds, losses };
  };

  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const request = asked.parse(JSON.parse(line));
      if ('row' in request) say({ opened: request.row, how: await openRow(request.row) });
      else say(await run(request.steps));
    } catch (error) {
      say({ failed: (error as Error).message.split('\n')[0] });
    }
  }
  close();
  process.exit();
}

void main();
