import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../../src/schemas/package.ts';

/** Every YAML file of these folders of the project, by its path; `settings`: the files named sendense.yaml alone, or all others. */
export function yamlFiles(
  folders: readonly string[],
  settings: boolean,
): { readonly path: string; readonly text: Buffer }[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter((path) => path.endsWith('.yaml') && (basename(path) === 'sendense.yaml') === settings)
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(packageRoot, path)) }));
}
