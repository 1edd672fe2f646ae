// What TensorFlow's allocator writes about itself. With TF_CPP_VMODULE=bfc_allocator=3 every allocation and release is a line on
// stderr, on a card as on the processor. TensorFlow's binding for Node does not give these numbers.

/** What a process needs in its environment for such a log; the processor uses the allocator of cards when it is asked to. */
export const allocatorEnvironment = {
  TF_CPP_VMODULE: 'bfc_allocator=3',
  TF_CPP_MIN_LOG_LEVEL: '0',
  TF_CPU_ALLOCATOR_USE_BFC: 'true',
};

/** One line of the log: so many bytes were asked for and given, given back, or asked for and not there. */
export interface AllocatorLine {
  what: 'allocation' | 'release' | 'failure';
  /** `GPU_0_bfc`, `bfc_cpu_allocator_for_gpu`. */
  allocator: string;
  bytes: number;
}

// An allocation is told twice: when it is asked for, without a place, and when it was given one. A place of 0 is none.
const allocation = /\] AllocateRaw (\S+)\s+(\d+) (0x[\da-f]+|0)\s*$/;
const release = /\] DeallocateRaw (\S+)\s+(\d+)\s*$/;

/** What a line of stderr says about memory; undefined for all others. */
export function allocatorLine(text: string): AllocatorLine | undefined {
  const got = allocation.exec(text);
  if (got)
    return { what: got[3] === '0' ? 'failure' : 'allocation', allocator: got[1], bytes: Number(got[2]) };
  const gave = release.exec(text);
  return gave ? { what: 'release', allocator: gave[1], bytes: Number(gave[2]) } : undefined;
}
