// Attributes of operations, from tfjs-node's form to the graph's.
import type { Binding, BindingAttribute } from './binding';
import type { Attribute } from './graph';

type Kind = 'int' | 'float' | 'bool' | 'string' | 'type';

/** Kinds by the binding's number, with what a value of each must be. */
function kindsOf(binding: Binding): Map<number, { kind: Kind; is: 'number' | 'boolean' | 'string' }> {
  return new Map([
    [binding.TF_ATTR_INT, { kind: 'int', is: 'number' }],
    [binding.TF_ATTR_FLOAT, { kind: 'float', is: 'number' }],
    [binding.TF_ATTR_BOOL, { kind: 'bool', is: 'boolean' }],
    [binding.TF_ATTR_STRING, { kind: 'string', is: 'string' }],
    [binding.TF_ATTR_TYPE, { kind: 'type', is: 'number' }],
  ]);
}

const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isInteger(n));

/** The graph's form of an attribute; undefined for a kind, or a value, that is not known. */
export function attributeOf(binding: Binding, { type, value }: BindingAttribute): Attribute | undefined {
  if (type === binding.TF_ATTR_SHAPE)
    return isShape(value) ? { kind: 'shape', value: [...value] } : undefined;
  const known = kindsOf(binding).get(type);
  if (!known) return undefined;
  const { kind, is } = known;
  if (Array.isArray(value))
    return value.every((one) => typeof one === is)
      ? { kind: 'list', of: kind, value: [...(value as (number | boolean | string)[])] }
      : undefined;
  return typeof value === is ? ({ kind, value } as Attribute) : undefined;
}
