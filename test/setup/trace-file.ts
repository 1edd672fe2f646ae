// Before each test file: what it and the processes it starts run is noted in a folder of its own.
import path from 'node:path';
import { expect } from 'vitest';

const { testPath } = expect.getState();
if (process.env.COC_TRACE_KERNELS && testPath) {
  process.env.COC_TRACE_KERNELS = path.join(
    process.env.COC_TRACE_KERNELS,
    path.relative(process.cwd(), testPath),
  );
}
