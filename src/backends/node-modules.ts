// Modules of Node where there is Node: what also runs in a browser's worker may not import them.

type GetBuiltinModule = NodeJS.Process['getBuiltinModule'];

/** Gives Node's own modules by name; undefined in a browser. */
export function nodeModules(): GetBuiltinModule | undefined {
  const { process: node } = globalThis as { process?: { getBuiltinModule?: GetBuiltinModule } };
  return node?.getBuiltinModule?.bind(node);
}
