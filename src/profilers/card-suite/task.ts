// A process of the card suite: `task.js REQUEST`, a JSON text.
import type { Request } from './work';
import { work } from './work';

work(JSON.parse(process.argv[2]) as Request).then(
  // Machine code may be slow or unable to end.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
