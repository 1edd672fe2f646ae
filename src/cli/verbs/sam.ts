// `coc sam`: the Segment Anything Model on files, so that anyone can hold it against another implementation.
import type { Command } from 'commander';
import { formatSeconds } from '../../base/progress';
import type { EncodeFiles } from '../../models/sam/encode-files';
import type { MaskFiles } from '../../models/sam/mask-files';
import { jsonOption, print, terminal } from '../output';

/** Options have the names of what they are given to. */
type Encode = EncodeFiles & { json?: boolean };
type Masks = MaskFiles & { json?: boolean };

export function define(command: Command): void {
  defineEncode(command);
  defineMasks(command);
}

function defineMasks(command: Command): void {
  command
    .command('masks')
    .description('images and prompts to masks by the whole model')
    .requiredOption('--config <file>', "transformers' config.json of a SAM")
    .requiredOption('--weights <file>', 'safetensors, by the names of transformers or of the original')
    .option('--input <file>', 'images as .npy [batch, channels, size, size], prepared as SAM wants them')
    .option('--features <file>', 'what `coc sam encode` wrote, in the place of images')
    .option(
      '--points <file>',
      '.npy [batch, prompts, points, 2]: x and y in pixels of the input; with --labels',
    )
    .option('--labels <file>', '.npy [batch, prompts, points]: 1 inside, 0 outside, -1 no point')
    .option('--boxes <file>', '.npy [batch, prompts, 4]: left, top, right, bottom in pixels of the input')
    .option('--masks <file>', '.npy [batch, prompts or 1, 4 grid, 4 grid]: logits of earlier masks')
    .option('--one', 'one mask for each prompt, in the place of several')
    .requiredOption(
      '--output <file>',
      'where the masks go: .npy [batch, prompts, masks, 4 grid, 4 grid], logits',
    )
    .option(
      '--quality <file>',
      'where the expected intersection over union goes: .npy [batch, prompts, masks]',
    )
    .option('--channels-last', 'images, features and written masks have their channels last')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Runs the whole model on images that are normalised, resized and padded already, one after another. Points, boxes and masks go
together; without any, the model says what it sees by itself. Every image has as many prompts, and each of them gets masks of
its own. A mask that is shared by all prompts of an image has 1 in the place of their number.
With weights by the original's names the decoder's layer norms have its epsilon, 1e-5, whatever the configuration says. Masks are logits: inside is above 0.

Beside transformers, in Python:
  out = model(pixel_values=x, input_points=points, input_labels=labels, multimask_output=True)
  out.pred_masks, out.iou_scores
and then:
  coc sam masks --config sam/config.json --weights sam/model.safetensors --input x.npy --points points.npy \\
    --labels labels.npy --output masks.npy --quality iou.npy`,
    )
    .action(masks);
}

async function masks(options: Masks): Promise<void> {
  const { maskFiles } = await import('../../models/sam/mask-files.js');
  const done = await maskFiles(options, terminal(options));
  print(
    options,
    done,
    `${done.output}: masks [${done.masks.join(', ')}]\n` +
      (done.quality ? `${done.quality}: their expected intersection over union\n` : '') +
      `weights by the names of ${done.source}; ${done.backend}; ${formatSeconds(done.seconds)}`,
  );
}

function defineEncode(command: Command): void {
  command
    .command('encode')
    .description('images to features by the image encoder')
    .requiredOption('--config <file>', "transformers' config.json of a SAM, or of its vision model alone")
    .requiredOption('--weights <file>', 'safetensors, by the names of transformers or of the original')
    .requiredOption(
      '--input <file>',
      'images as .npy [batch, channels, size, size], prepared as SAM wants them',
    )
    .requiredOption('--output <file>', 'where the features go: .npy [batch, neck, grid, grid], float32')
    .option('--channels-last', 'images and features have their channels last')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Runs the image encoder on images that are normalised, resized and padded already, one after another, and writes its features.
The weights may be those of a whole SAM; the names of their tensors tell whose they are. What is missing, too many or of another
shape is listed by name, and nothing is computed then. COC_BACKEND names what computes (see coc doctor).

Beside transformers, in Python:
  model = transformers.SamModel(transformers.SamConfig(...)); model.save_pretrained('sam')
  numpy.save('x.npy', x); y = model.get_image_embeddings(torch.from_numpy(x))
and then:
  coc sam encode --config sam/config.json --weights sam/model.safetensors --input x.npy --output y.npy`,
    )
    .action(encode);
}

async function encode(options: Encode): Promise<void> {
  const { encodeFiles } = await import('../../models/sam/encode-files.js');
  const long = terminal(options);
  const done = await encodeFiles(options, long);
  const { output, features, source, parameters, backend, seconds } = done;
  print(
    options,
    done,
    `${output}: features [${features.join(', ')}]\n` +
      `${parameters.toLocaleString('en')} parameters by the names of ${source}; ${backend}; ${formatSeconds(seconds)}`,
  );
}
