// Trees: anything in objects and lists, as deep as a model likes, each leaf with a path: `blocks/0/qkv/weight`.

/** Leaves of one kind in objects and lists. */
export type Tree<Leaf> = Leaf | readonly Tree<Leaf>[] | { readonly [name: string]: Tree<Leaf> };

const below = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}/${key}`);

/** The leaves by their paths, in the order in which they stand. @param path  goes before every path; of a single leaf it is all */
export function leavesOf<Leaf extends object>(
  tree: Tree<Leaf>,
  isLeaf: (node: Tree<Leaf>) => node is Leaf,
  path = '',
): Record<string, Leaf> {
  const found: Record<string, Leaf> = {};
  mapLeaves(tree, isLeaf, (leaf, at) => (found[at] = leaf), path);
  return found;
}

/** A tree of the same form with something else in the place of each leaf. */
export function mapLeaves<Leaf extends object, Other>(
  tree: Tree<Leaf>,
  isLeaf: (node: Tree<Leaf>) => node is Leaf,
  f: (leaf: Leaf, path: string) => Other,
  path = '',
): Tree<Other> {
  const visit = (node: Tree<Leaf>, at: string): Tree<Other> => {
    if (isLeaf(node)) return f(node, at);
    if (Array.isArray(node)) return (node as Tree<Leaf>[]).map((value, k) => visit(value, below(at, k)));
    const entries = Object.entries(node as Record<string, Tree<Leaf>>);
    return Object.fromEntries(entries.map(([key, value]) => [key, visit(value, below(at, key))]));
  };
  return visit(tree, path);
}

/** Values by names with another in front: `w` is `trained/w`. */
export const prefixed = <T>(prefix: string, named: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [`${prefix}/${name}`, value]));

/** Values by their names without the name in front: `trained/w` of `trained` is `w`; others are left out. */
export const under = <T>(prefix: string, named: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(named).flatMap(([name, value]) =>
      name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), value]] : [],
    ),
  );
