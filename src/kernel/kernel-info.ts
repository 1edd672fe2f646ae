// What the kernel says about itself.
import type { Content } from './wire';

/** The language of cells: TypeScript as tslab compiles it. Notebooks store this. */
export const languageInfo = {
  name: 'typescript',
  version: '5.0.4',
  mimetype: 'text/typescript',
  file_extension: '.ts',
  // JupyterLab goes by `mode`, classic Notebook by the other two.
  codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
};

export function kernelInfo(): Content {
  return {
    status: 'ok',
    protocol_version: '5.3',
    implementation: 'cost-of-consistency',
    implementation_version: '1.0.0',
    language_info: languageInfo,
    banner: 'Cost of Consistency: TypeScript cells by tslab 1.0.22',
    help_links: [],
  };
}
