// What is asked of the machine, in one place, so that tests can be another machine.
import { existsSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { cacheDir } from '../../base/paths';
import { nvidiaCards } from '../card';
import type { Form, Recipe } from './recipe';
import { packageOf, recipe } from './recipe';

export interface Host {
  platform: string;
  arch: string;
  /** Version of the C library; undefined where it is another one (musl). */
  glibc: () => string | undefined;
  /** Free bytes of the file system that a folder is on. */
  freeBytes: (dir: string) => number;
  /** The names of NVIDIA's cards, as `nvidia-smi` answers. */
  cards: (signal?: AbortSignal) => Promise<string[]>;
  /** Whether a card's driver is there, told in no time. */
  hasDriver: () => boolean;
  /** Where npm put the package of a form. */
  packageDir: (form: Form) => string | undefined;
  /** Where everything of ours is kept. */
  home: string;
  recipe: Recipe;
}

/** This machine. */
export function thisHost(): Host {
  return {
    platform: process.platform,
    arch: process.arch,
    glibc,
    freeBytes,
    cards,
    hasDriver: () => ['/dev/nvidiactl', '/dev/dxg'].some((file) => existsSync(file)),
    packageDir,
    home: cacheDir('native'),
    recipe,
  };
}

function glibc(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

async function cards(signal?: AbortSignal): Promise<string[]> {
  return (await nvidiaCards(signal)).map(({ name }) => name);
}

function packageDir(form: Form): string | undefined {
  try {
    return path.dirname(createRequire(__filename).resolve(`${packageOf[form]}/package.json`));
  } catch {
    return undefined;
  }
}
