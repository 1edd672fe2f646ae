// A process of the executed step, under a limit of memory: `executed-step-task.js REQUEST`, a JSON text.
import { doLimited } from '../profilers/vram/limited-work';
import type { OurRequest } from './executed-step-ours';
import { ourStep } from './executed-step-ours';

void doLimited((given) => ourStep(JSON.parse(process.argv[2]) as OurRequest, given));
