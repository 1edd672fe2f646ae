// The closed list of numbers that may stand in prose without a result: names, addresses and counted parts of the
// study's design. Nothing that somebody measured, derived or published belongs here.

/** A text that may hold a number, and why. */
export interface Exemption {
  pattern: RegExp;
  reason: string;
}

/** Digits that are part of a name or an address. */
export const namedNumbers: readonly Exemption[] = [
  { pattern: /\b[123]-D\b/g, reason: 'how many axes: a word of the field' },
  { pattern: /\b(?:SAM|MedSAM)[- ][123]\b/g, reason: 'name of a model' },
  { pattern: /\bnnU-Net v2\b/g, reason: 'name of a program' },
  { pattern: /\b(?:A100|H100|H200|V100|T4|RTX \d{4})\b/g, reason: 'name of a card' },
  { pattern: /\bNIfTI-[12]\b/g, reason: 'name of a file format' },
  { pattern: /\bBraTS(?: ?20\d\d|-6)?\b/g, reason: 'name of a data set' },
  { pattern: /\bSSL3D\b|\bMICCAI 20\d\d\b/g, reason: 'name of a challenge' },
  { pattern: /\bColin27\b/g, reason: 'name of a data set' },
  { pattern: /\barXiv[: ]\d{4}\.\d{5}\b/g, reason: 'address of a work' },
  {
    pattern: /\b(?:[Ss]ections?|Secs?\.|Figures?|Figs?\.|Tables?|Eqs?\.|Equations?) \d+(?:\.\d+)*\b/g,
    reason: 'address in a cited work',
  },
  { pattern: /\bCC BY(?:-[A-Z]{2})* [234]\.0\b/g, reason: 'name of a licence' },
  { pattern: /\bSHA-256\b/g, reason: 'name of a function' },
  { pattern: /\b(?:u?int|float)(?:8|16|32|64)\b/g, reason: 'name of a number type' },
  { pattern: /\bSource Sans 3\b|\bSTIX Two Math\b/g, reason: 'name of a typeface' },
  { pattern: /\bPDF\/UA-1\b/g, reason: 'name of a standard' },
  { pattern: /\b[Hh]ow many times\b/g, reason: 'a question, whose answer is the number' },
  { pattern: /\bhalf precision\b/g, reason: 'name of a number format' },
  { pattern: /\bL[12]\b(?= (?:norm|cache))/g, reason: 'name of a norm or a cache' },
];

/** What may be counted in words: the parts that the study's design or this paper is made of, visible at a glance. */
export const countedNouns: readonly string[] = [
  'anatomical',
  'axes',
  'bottlenecks',
  'claims',
  'classes',
  'columns',
  'commands',
  'conditions',
  'crops',
  'directions',
  'documents',
  'files',
  'gradients',
  'kernels',
  'kinds',
  'lines',
  'losses',
  'masks',
  'measurements',
  'networks',
  'notebooks',
  'orthogonal',
  'others',
  'overlapping',
  'pairs',
  'parts',
  'passes',
  'planes',
  'questions',
  'reasons',
  'sizes',
  'slices',
  'sources',
  'statements',
  'steps',
  'streams',
  'studies',
  'terms',
  'texts',
  'things',
  'verdicts',
  'views',
  'ways',
];
