// Other methods in the place of an object's own, for a while: how the engine of TensorFlow.js is listened to.

/** Put other members in the place of an object's own. @returns puts back what was there */
export function replacing<T extends object>(object: T, members: Partial<T>): () => void {
  const before = Object.keys(members).map(
    (key) => [key, Object.getOwnPropertyDescriptor(object, key)] as const,
  );
  Object.assign(object, members);
  return () => {
    for (const [key, descriptor] of before)
      if (descriptor) Object.defineProperty(object, key, descriptor);
      else Reflect.deleteProperty(object, key);
  };
}
