// Before Node 24, async contexts keep a stack of their own, which code that is cut off leaves behind; Node checks it and
// would abort the process. Emptying it before the cut is what Node itself does after an uncaught exception.

interface AsyncWrap {
  constants: { kStackLength: number; kExecutionAsyncId: number; kTriggerAsyncId: number };
  async_hook_fields: Uint32Array;
  async_id_fields: Float64Array;
}

/** A function that empties Node's stack of async ids; nothing to do from Node 24 on. */
export function asyncStackEmptier(): () => void {
  if (Number(process.versions.node.split('.')[0]) >= 24) return () => undefined;
  const quiet = process.noDeprecation;
  process.noDeprecation = true;
  const { binding } = process as unknown as { binding: (name: 'async_wrap') => AsyncWrap };
  const wrap = binding('async_wrap');
  process.noDeprecation = quiet;
  const { kStackLength, kExecutionAsyncId, kTriggerAsyncId } = wrap.constants;
  return () => {
    wrap.async_hook_fields[kStackLength] = 0;
    wrap.async_id_fields[kExecutionAsyncId] = 0;
    wrap.async_id_fields[kTriggerAsyncId] = 0;
  };
}
