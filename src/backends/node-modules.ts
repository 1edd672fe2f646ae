// Modules of Node where there is Node: what also runs in a browser's worker may not import them.

type Modules = Pick<NodeJS.Process, 'getBuiltinModule'>;

/** Gives Node's own modules by name; undefined in a browser. */
export function nodeModules(): Modules['getBuiltinModule'] | undefined {
  const { process: node } = globalThis as { process?: Partial<Modules> };
  return node?.getBuiltinModule?.bind(node) as Modules['getBuiltinModule'] | undefined;
}
