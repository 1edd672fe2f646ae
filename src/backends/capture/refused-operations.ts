// Operations of TensorFlow that tfjs-node can ask for and that a recorded graph must not hold.

interface Reason {
  why: string;
  fix: string;
}

const drawn: Reason = {
  why: 'which draws random numbers on the device',
  fix: 'draw them outside and give them as an input',
};
const byValues: Reason = {
  why: 'whose shape depends on values',
  fix: 'compute it outside the step, or use an operation whose shape is known',
};
const files: Reason = {
  why: 'which reads or writes encoded data',
  fix: 'do it outside the step',
};

/** Why each is refused, by TensorFlow's name. */
export const refusedOperations: ReadonlyMap<string, Reason> = new Map([
  ...['Multinomial'].map((op): [string, Reason] => [op, drawn]),
  ...['Where', 'Unique', 'UniqueV2', 'NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'].map(
    (op): [string, Reason] => [op, byValues],
  ),
  ...[
    'DecodeJpeg',
    'DecodePng',
    'DecodeBmp',
    'DecodeGif',
    'EncodeJpeg',
    'EncodePng',
    'StaticRegexReplace',
  ].map((op): [string, Reason] => [op, files]),
  ...[
    'SummaryWriter',
    'CreateSummaryFileWriter',
    'WriteScalarSummary',
    'WriteSummary',
    'FlushSummaryWriter',
  ].map((op): [string, Reason] => [op, files]),
]);
