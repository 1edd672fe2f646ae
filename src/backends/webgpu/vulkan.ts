// What Dawn needs on Linux: Vulkan's loader and at least one driver. Both are looked for before Dawn is loaded, because
// Dawn prints to stderr what it misses and then says `no adapter` for every reason alike.
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { messageOf } from '../../base/errors';

/**
 * Why the loader `libvulkan.so.1` cannot be loaded; undefined when it can. It is asked of the system's own linker, so
 * that run paths, caches and LD_LIBRARY_PATH count as they do for Dawn.
 * @param file  a path, to try one file
 */
export function missingLoader(file = 'libvulkan.so.1'): string | undefined {
  try {
    process.dlopen({ exports: {} }, file, os.constants.dlopen.RTLD_LAZY);
  } catch (error) {
    // Node says this of a library that was loaded and is no module of Node: exactly what we hope for.
    if (messageOf(error).includes('did not self-register')) return undefined;
    return messageOf(error).split('\n')[0];
  }
  return undefined;
}

/** Folders and files that Vulkan's loader reads for drivers, in its own order. */
function driverPlaces(environment: NodeJS.ProcessEnv): { files: string[]; folders: string[] } {
  const split = (list: string | undefined): string[] => (list ?? '').split(path.delimiter).filter(Boolean);
  const named = split(environment.VK_DRIVER_FILES ?? environment.VK_ICD_FILENAMES);
  if (named.length > 0) return { files: named, folders: [] };
  const home = os.homedir();
  const roots = [
    environment.XDG_CONFIG_HOME ?? path.join(home, '.config'),
    ...split(environment.XDG_CONFIG_DIRS ?? '/etc/xdg'),
    '/usr/local/etc',
    '/etc',
    environment.XDG_DATA_HOME ?? path.join(home, '.local/share'),
    ...split(environment.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share'),
  ];
  return {
    files: split(environment.VK_ADD_DRIVER_FILES),
    folders: roots.map((root) => path.join(root, 'vulkan', 'icd.d')),
  };
}

/** The descriptions of drivers (`*.json`) that Vulkan's loader will read here. They may still name drivers that are not there. */
export function vulkanDrivers(environment: NodeJS.ProcessEnv = process.env): string[] {
  const { files, folders } = driverPlaces(environment);
  const found = folders.flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => path.join(folder, name));
    } catch {
      return [];
    }
  });
  return [...files, ...found];
}
