// What capturing a big step costs: records a training step of a vision transformer of ViT-H's size by shapes alone.
//   node test/bench/capture-large.mjs [WIDTH DEPTH HEADS IMAGE]      1280 32 16 1024
// Prints nodes, seconds and resident memory, before and after.
import { bundled } from './bundle.mjs';

await import(await bundled('capture/large.ts'));
