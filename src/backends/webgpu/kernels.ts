export function mendKernels(): void {}
