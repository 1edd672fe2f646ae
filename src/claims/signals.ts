// What in a sentence makes it checkable: numbers, comparisons and causes, found by stated lists of words.
//
// First is taken away what only looks like a number: citations in brackets, labels (`Table 1`, `4.1` before a
// heading), e-mail and web addresses, arXiv identifiers, mathematics of one letter, names (`SAM-3`, `T4`, `ViT-H`,
// `2D`, `3D`). The noun `comparison` names one and makes none. The lists are generous on purpose: a false alarm costs one more row in the register, a miss a claim.

const citation = /\([A-Z][\w.' -]*(?:et al\.)?,? (?:19|20)\d{2}[a-z]?\)/g;
const label = /\b(?:Table|Figure|Section|Eq\.?|Equation)\s+\d+/gi;
const sectionNumber = /^\d+(?:\.\d+)*\s+(?=[A-Z])/;
const address = /\S+@\S+|https?:\/\/\S+|\b\d{4}\.\d{4,5}\b/g;
const dimension = /\b[23]D\b/gi;

/** Digits that stand for a quantity: not part of a name, so no letter (or letter and hyphen) before them. */
const digits = /(?<![\w.-]|[A-Za-z]-)\d+(?:[.,]\d+)*/g;

const numberWords =
  /\b(?:two|three|four|five|six|seven|eight|nine|ten|first|second|third|hundreds?|thousands?|millions?|billions?|half|twice|double|triple|single|both|none|magnitude)\b/i;

const comparisonWords =
  /(?<![\w-])(?:more|less|most|least|than|fewer|better|worse|best|worst|higher|lower|larger|smaller|faster|slower|stronger|strongest|weaker|simpler|lighter|heavier|superior|inferior|greater|increas\w*|decreas\w*|reduc\w*|improv\w*|outperform\w*|underperform\w*|outweigh\w*|exceed\w*|excels?|compar(?:e|es|ed|ing|able)|versus|unlike|instead|rather|too|enough|heavy|lightweight|efficient|efficiency|inefficiency|significant(?:ly)?|prohibitive(?:ly)?|unfeasible|standard|optimal|optimi[sz]e|trade-?offs?|rank\w*|primar(?:y|ily)|dominant|limited|remains?|gap|fails?)(?![\w-])/i;

const causeWords =
  /\b(?:because|since|due to|consequently|therefore|thus|hence|so that|leads? to|led to|results? in|makes?|making|causes?|renders?|enables?|allow(?:s|ing)?|introduc(?:es|ed)|triggers?|restricts?|hamper\w*|prevent\w*|eliminat\w*|preserv\w*|defeats?|shift(?:s|ing)|necessitat\w*|requir(?:es|ed|ement)|must|ensures?|by \w+ing|if|whenever|multipl(?:y|ies))\b/i;

/** What was found in a unit of text. */
export interface Signals {
  /** Quantities in digits, as written (`1024`, `4.5`), each once. */
  numbers: string[];
  numberWord: boolean;
  comparison: boolean;
  cause: boolean;
}

/** The text without what only looks like a number. */
function bare(text: string): string {
  return text
    .replace(sectionNumber, '')
    .replace(citation, '')
    .replace(label, '')
    .replace(address, '')
    .replace(dimension, '');
}

/** The quantities in a text, in digits; `240×155` is two. */
export function numbersIn(text: string): string[] {
  // A multiplication sign or an x between digits parts two quantities.
  const parted = bare(text).replace(/(?<=\d)\s*[×x–]\s*(?=\d)/g, ' ');
  return [...new Set(parted.match(digits) ?? [])];
}

/** Look for numbers, comparisons and causes. */
export function signalsIn(text: string): Signals {
  const rest = bare(text);
  return {
    numbers: numbersIn(text),
    numberWord: numberWords.test(rest),
    comparison: comparisonWords.test(rest),
    cause: causeWords.test(rest),
  };
}

/** The signals as words for a message: `a number (16, 40), a cause`; empty when there are none. */
export function describeSignals(signals: Signals): string {
  return [
    signals.numbers.length > 0 ? `a number (${signals.numbers.join(', ')})` : '',
    signals.numberWord ? 'a number in words' : '',
    signals.comparison ? 'a comparison' : '',
    signals.cause ? 'a cause' : '',
  ]
    .filter(Boolean)
    .join(', ');
}
