// Which dictionary of a checkpoint holds the model: training programs put it beside the epoch and the optimiser's state.
import type { WrongIn } from '../volume/file-errors';
import { shortName, Tuple } from './pickle';
import { TorchTensor } from './torch-tensor';

type Dictionary = Map<unknown, unknown>;

export interface Chosen {
  tensors: Map<string, TorchTensor>;
  /** Where the dictionary stands; empty for the outermost. */
  at: string;
  /** What else stands there, or outermost beside it, and is no tensor of it, e.g. `epoch (number)`. */
  leftOut: string[];
}

/**
 * The dictionary of tensors at `key`, or the only one there is, at most two dictionaries deep.
 * @throws InputError when there is none, or several and no key
 */
export function chosenTensors(tree: unknown, key: string | undefined, wrong: WrongIn): Chosen {
  const form = 'a dictionary of tensors, or one of such dictionaries';
  const fix = 'save the state_dict() of the model';
  if (!(tree instanceof Map)) throw wrong(kindOf(tree), form, fix);
  const found = collected(tree);
  const some = found.slice(0, 20).map((path) => shortName(path.join('.') || '(outermost)'));
  const keys = [...some, ...(found.length > some.length ? ['...'] : [])].join(', ');
  if (found.length === 0) throw wrong('no tensors under names', form, fix);
  if (key === undefined && found.length > 1)
    throw wrong(
      `dictionaries of tensors at ${keys}`,
      'one, or a key that says which',
      "give the key of the model's",
    );
  const at = key ?? found[0].join('.');
  const dictionary = at === '' ? tree : at.split('.').reduce<unknown>(below, tree);
  if (!(dictionary instanceof Map) || ![...dictionary].some(isNamedTensor))
    throw wrong(`no tensors at the key ${at}`, `one of ${keys}`, 'give one of these');
  const tensors = new Map([...dictionary].filter(isNamedTensor));
  const rest = ([name, value]: [unknown, unknown]): string => `${shortName(name)} (${kindOf(value)})`;
  const others = [...dictionary].filter((entry) => !isNamedTensor(entry)).map(rest);
  const beside =
    at === '' ? [] : [...(tree as Dictionary)].filter(([name]) => at.split('.')[0] !== name).map(rest);
  return { tensors, at, leftOut: [...beside, ...others] };
}

const below = (value: unknown, name: string): unknown => (value instanceof Map ? value.get(name) : undefined);
const isNamedTensor = (entry: [unknown, unknown]): entry is [string, TorchTensor] =>
  typeof entry[0] === 'string' && entry[1] instanceof TorchTensor;

/**
 * Where dictionaries of tensors stand, at most two deep. Each is looked at once: a few that hold each other many times over must
 * not take longer than they are long. Names stay apart: one long name, shared by many, must not become many long texts.
 */
function collected(outermost: Dictionary): (readonly string[])[] {
  const found: (readonly string[])[] = [];
  const seen = new Set<Dictionary>();
  const collect = (dictionary: Dictionary, path: readonly string[]): void => {
    if (seen.has(dictionary)) return;
    seen.add(dictionary);
    if ([...dictionary].some(isNamedTensor)) found.push(path);
    if (path.length === 2) return;
    for (const [name, value] of dictionary)
      if (typeof name === 'string' && value instanceof Map) collect(value as Dictionary, [...path, name]);
  };
  collect(outermost, []);
  return found;
}

function kindOf(value: unknown): string {
  if (value === null) return 'None';
  if (value instanceof TorchTensor) return 'a tensor under no text';
  if (value instanceof Map) return `a dictionary of ${value.size}`;
  if (Array.isArray(value) || value instanceof Tuple) return 'a list';
  return typeof value === 'string' ? 'text' : typeof value === 'bigint' ? 'number' : typeof value;
}
