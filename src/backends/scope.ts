// Names of parts of a model, which a ledger or a count of FLOPs asks for and which cost nothing where nobody asks.

interface Scopes {
  path: string;
  /** How many want to know. */
  asked: number;
}

/** Kept globally: a module that is loaded again (an edited one in a notebook) goes on with the same path. */
const key = Symbol.for('cost-of-consistency/scopes');
const scopes = ((globalThis as { [key]?: Scopes })[key] ??= { path: '', asked: 0 });

/**
 * Call a function as a named part of what is running: `scope('encoder', () => scope('block 3', () => ...))` is
 * `encoder/block 3` in a ledger. Gradients of what runs in it belong to it as well.
 * @param name  without `/`
 */
export function scope<T>(name: string, f: () => T): T {
  if (scopes.asked === 0) return f();
  return within(scopes.path === '' ? name : `${scopes.path}/${name}`, f);
}

/** The part that is running: names of nested scopes, outermost first, with `/` between; empty outside all. */
export function currentScope(): string {
  return scopes.path;
}

/** Call a function as a part of another path. */
export function within<T>(path: string, f: () => T): T {
  const before = scopes.path;
  scopes.path = path;
  try {
    return f();
  } finally {
    scopes.path = before;
  }
}

/** Keep account of scopes from now on. @returns ends it */
export function keepScopes(): () => void {
  scopes.asked++;
  return () => void scopes.asked--;
}
