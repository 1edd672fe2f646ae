// `coc doctor`: what this machine can compute with.
import type { Command } from 'commander';
import { jsonOption, print, terminal } from '../output';

interface Options {
  json?: boolean;
  proof?: boolean;
}

export function define(command: Command): void {
  command
    .option('--proof', 'run the proof of every op and gradient on each backend that works (minutes)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Tries each backend in a process of its own: it is opened, must get twenty ops and their gradients right, and multiplies two
matrices. What is chosen is the first that works of tensorflow, webgpu (on a card), wasm and cpu; COC_BACKEND=NAME asks for
one, and nothing takes its place then. The exit code is 1 when there is nothing to choose, or COC_BACKEND cannot be used; with
--proof also when an op is wrong somewhere.

Examples:
  coc doctor
  coc doctor --json
  COC_BACKEND=webgpu coc doctor     a software adapter, too, is tried when it is asked for
  coc doctor --proof`,
    )
    .action(doctor);
}

async function doctor(options: Options): Promise<void> {
  const { examine, examinationText, proofText } = await import('../../backends/doctor.js');
  const found = await examine({ prove: options.proof, ...terminal(options) });
  const text = [examinationText(found), ...(options.proof ? ['', proofText(found)] : [])].join('\n');
  print(options, found, text);
  const rows = found.backends.flatMap((finding) => ('tried' in finding ? (finding.tried.proof ?? []) : []));
  if (found.chosen === null || rows.some(({ status }) => status === 'wrong')) process.exitCode = 1;
}
