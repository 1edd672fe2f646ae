// The page of memory needs in a browser: what is chosen goes to the worker, what it answers is shown. Where choices change faster
// than answers come, the newest is asked next and those between are dropped.
import type {
  VramAnswered,
  VramAsked,
  VramChoices,
  VramMessage,
  VramNeed,
  VramSaid,
} from '../../results/vram-messages';
import { cardText } from '../../results/card-text';
import { html } from './dom';

const sizeOf = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${(bytes / 2 ** 20).toFixed(2)} MiB`;
const whole = (n: number): string => n.toLocaleString('en-GB').replaceAll(',', '\u202f');
/** A cell whose bytes a program can read, too. */
const bytesCell = (bytes: number | null | undefined): HTMLTableCellElement =>
  bytes === null || bytes === undefined
    ? html('td', {}, 'not told')
    : html('td', { 'data-bytes': bytes, title: `${whole(bytes)} bytes` }, sizeOf(bytes));

const option = (value: string, title = value): HTMLOptionElement => html('option', { value }, title);
const labelled = (title: string, ...controls: Node[]): HTMLLabelElement =>
  html('label', {}, html('span', {}, title), ...controls);

/** A slider with its number beside it. */
class Slider {
  private readonly input = html('input', { type: 'range' });
  private readonly said = html('output');
  readonly element: HTMLLabelElement;

  constructor(title: string, name: string, changed: () => void) {
    this.input.name = name;
    this.element = labelled(title, this.input, this.said);
    this.input.addEventListener('input', () => {
      this.said.value = this.input.value;
      changed();
    });
  }

  get value(): number {
    return Number(this.input.value);
  }

  range(min: number, max: number, step: number, value: number): void {
    Object.assign(this.input, { min: `${min}`, max: `${max}`, step: `${step}`, value: `${value}` });
    this.said.value = this.input.value;
  }

  show(shown: boolean): void {
    this.element.hidden = !shown;
  }
}

class Page {
  private readonly status = html('p', { role: 'status' }, 'Loading …');
  private readonly results = html('div', { class: 'results' });
  private readonly select = (name: string): HTMLSelectElement => {
    const made = html('select', { name });
    made.addEventListener('change', () => {
      if (made === this.model) this.fit();
      this.ask();
    });
    return made;
  };
  private readonly slider = (title: string, name: string): Slider =>
    new Slider(title, name, () => this.ask());
  private readonly model = this.select('model');
  private readonly trained = this.select('train');
  private readonly optimiser = this.select('optimiser');
  private readonly precision = this.select('precision');
  private readonly size = this.slider('Picture (pixels a side)', 'size');
  private readonly views = this.slider('Views', 'views');
  private readonly batch = this.slider('Batch', 'batch');
  private readonly rank = this.slider('Rank', 'rank');
  private readonly first = this.slider('First adapted block', 'first');
  private readonly techniques = new Map<string, HTMLInputElement>();
  private choices: VramChoices | undefined;
  private asked = 0;
  private busy = false;
  private waiting = false;

  constructor(
    place: Element,
    private readonly worker: Worker,
  ) {
    place.replaceChildren(this.form(), this.status, this.results);
    worker.onmessage = ({ data }: MessageEvent<VramMessage>) => this.take(data);
    worker.onerror = ({ message }) => this.say(`The dry run ended: ${message}`);
  }

  private form(): HTMLFormElement {
    return html(
      'form',
      {},
      labelled('Model', this.model),
      this.size.element,
      this.views.element,
      this.batch.element,
      labelled('Trained', this.trained),
      this.rank.element,
      this.first.element,
      labelled('Optimiser', this.optimiser),
      labelled('Precision (PyTorch)', this.precision),
    );
  }

  private take(message: VramMessage): void {
    if ('choices' in message) return this.offer(message.choices);
    this.busy = false;
    if (this.waiting) return this.ask();
    if ('failed' in message) return this.say(message.failed.message);
    this.show(message.answered);
  }

  private say(text: string): void {
    this.status.textContent = text;
    this.results.replaceChildren();
  }

  private offer(choices: VramChoices): void {
    this.choices = choices;
    this.model.append(...choices.models.map(({ name, title }) => option(name, title)));
    this.model.value = choices.models.some(({ name }) => name === 'sam-vit-h')
      ? 'sam-vit-h'
      : this.model.value;
    this.trained.append(
      option('lora', 'adapters and decoder'),
      option('all', 'everything'),
      option('decoder', 'decoder alone'),
    );
    this.optimiser.append(...choices.optimisers.map((name) => option(name)));
    this.precision.append(...choices.precisions.map((name) => option(name)));
    const boxes = choices.techniques.map((name) => {
      const box = html('input', { type: 'checkbox', name });
      box.addEventListener('change', () => this.ask());
      this.techniques.set(name, box);
      return html('label', { class: 'box' }, box, name);
    });
    this.size.element.form!.append(
      html('fieldset', {}, html('legend', {}, 'Memory policy (none: the plain tape)'), ...boxes),
    );
    this.views.range(1, 3, 1, 3);
    this.batch.range(1, 8, 1, 1);
    this.rank.range(1, 64, 1, 4);
    this.fit();
    this.ask();
  }

  /** Sliders to the model's own range. */
  private fit(): void {
    const { size, patch, depth } = this.choices!.models.find(({ name }) => name === this.model.value)!;
    this.size.range(4 * patch, size, 4 * patch, size);
    this.first.range(0, depth - 1, 1, 0);
  }

  private ask(): void {
    const kind = this.trained.value as 'lora' | 'all' | 'decoder';
    this.rank.show(kind === 'lora');
    this.first.show(kind === 'lora');
    this.waiting = this.busy;
    if (this.busy) return;
    this.busy = true;
    this.results.setAttribute('aria-busy', 'true');
    this.status.textContent = 'Running the step on shapes …';
    const asked: VramAsked = {
      id: ++this.asked,
      batch: this.batch.value,
      setting: {
        model: this.model.value,
        size: this.size.value,
        views: this.views.value,
        trained: kind === 'lora' ? { kind, rank: this.rank.value, first: this.first.value } : { kind },
        optimiser: this.optimiser.value,
        policy: [...this.techniques].flatMap(([name, { checked }]) => (checked ? [name] : [])),
      },
      precision: this.precision.value,
    };
    this.worker.postMessage(asked);
  }

  private show({ id, ours, derived, derivedMissing }: VramAnswered): void {
    this.results.setAttribute('aria-busy', 'false');
    this.results.setAttribute('data-answer', `${id}`);
    const { peakBytes } = ours.need;
    const torch = derived ? `, PyTorch's ${sizeOf(derived.need.peakBytes)}` : '';
    this.status.textContent = `Our step needs ${sizeOf(peakBytes)} at its peak (${whole(peakBytes)} bytes)${torch}.`;
    this.results.replaceChildren(
      this.needs(ours.need, derived?.need ?? null, derivedMissing),
      table(
        'Cards: the largest batch that the bytes allow',
        ['Card', 'Memory', 'Ours', 'PyTorch'],
        this.choices!.cards.map(({ title, bytes }, k) => [
          html('th', { scope: 'row' }, title),
          bytesCell(bytes),
          ...[ours, derived].map((said) => this.onCard(said, bytes, k)),
        ]),
      ),
      notes('Ours', ours.need),
      ...(derived ? [notes('PyTorch', derived.need)] : []),
    );
  }

  private onCard(said: VramSaid | null, bytes: number, k: number): HTMLTableCellElement {
    if (!said) return html('td', {}, 'not told');
    const largest = said.largestBatches[k];
    return html('td', { 'data-largest': largest }, cardText(said.need.peakBytes <= bytes, largest));
  }

  private needs(ours: VramNeed, derived: VramNeed | null, missing: string | null): HTMLTableElement {
    const row = (title: string, of: (need: VramNeed) => number | null): HTMLTableCellElement[] => [
      html('th', { scope: 'row' }, title),
      bytesCell(of(ours)),
      bytesCell(derived && of(derived)),
    ];
    const text = (title: string, of: (need: VramNeed) => string): HTMLTableCellElement[] => [
      html('th', { scope: 'row' }, title),
      html('td', {}, of(ours)),
      html('td', {}, derived ? of(derived) : (missing ?? '')),
    ];
    const kinds = Object.keys(ours.byCategory);
    const made = table(
      'What the step needs',
      ['', 'Ours on TensorFlow.js, float32 (dry run)', 'PyTorch (derived)'],
      [
        row('Peak', (need) => need.peakBytes),
        row('of it weights and adapters, once', (need) => need.weightsBytes),
        row('beyond them', (need) => need.peakBeyondWeightsBytes),
        row('Kept for the backward pass', (need) => need.savedBytes),
        ...kinds.map((kind) => row(`At the peak: ${kind}`, (need) => need.byCategory[kind])),
        text('Part that computes at the peak', (need) => need.layerAtPeak || 'outside all parts'),
        text('Arithmetic', (need) => `${(need.flops / 1e12).toPrecision(3)} TFLOP`),
      ],
    );
    made.setAttribute('data-needs', '');
    return made;
  }
}

function table(title: string, heads: readonly string[], rows: readonly Node[][]): HTMLTableElement {
  return html(
    'table',
    {},
    html('caption', {}, title),
    html('thead', {}, html('tr', {}, ...heads.map((head) => html(head ? 'th' : 'td', head ? { scope: 'col' } : {}, head)))), // prettier-ignore
    html('tbody', {}, ...rows.map((cells) => html('tr', {}, ...cells))),
  );
}

const notes = (title: string, need: VramNeed): HTMLParagraphElement =>
  html('p', { class: 'stamp' }, `${title}: ${need.notes.join('; ')}.`);

/** Put the page into a place. @param code  the worker, which is in the page itself */
export function mount(place: Element, code: string): void {
  const address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  new Page(place, new Worker(address));
}
