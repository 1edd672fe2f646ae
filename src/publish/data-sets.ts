// What the manifests say about data sets: title, licence, whom to cite. The files' own checks are in datasets/.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readJson } from '../base/files';
import { inRepo } from '../base/paths';

const dataSetSchema = z.object({
  name: z.string(),
  title: z.string(),
  licence: z.object({ id: z.string(), name: z.string(), url: z.string().optional() }),
  citation: z.array(z.string()),
});

export type DataSet = z.infer<typeof dataSetSchema>;

/** The data set that an input `name/path/of/file` belongs to; undefined for generated inputs. */
export function dataSetOf(input: string): DataSet | undefined {
  const name = input.split('/', 1)[0];
  const file = inRepo('data-manifests', `${name}.json`);
  return /^[a-z0-9-]+$/.test(name) && input.includes('/') && existsSync(file)
    ? dataSetSchema.parse(readJson(file))
    : undefined;
}
