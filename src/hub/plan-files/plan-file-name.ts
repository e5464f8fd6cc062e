import { basename } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { settingsName } from '../../plan/load-settings.ts';

/** Files that Sendense finds by their names, and that are no plans. */
const taken: ReadonlySet<string> = new Set([settingsName, 'node.yaml']);
const longest = 500;
const ending = /\.ya?ml$/;

/**
 * The parts of the name of a plan file: folders below the folder of the plans, and the file.
 * @throws SendenseError `plan.file` for what can be none: it would be no YAML file, be hidden, be settings, or lie elsewhere
 */
export function partsOf(file: string): readonly string[] {
  const parts = file.split('/');
  const wrong =
    file.length > longest
      ? `has more than ${longest} characters`
      : !ending.test(file)
        ? 'does not end in .yaml or .yml'
        : parts.some((part) => part === '' || part.startsWith('.') || part === 'node_modules')
          ? 'leads out of the folder of the plans, or into a hidden one'
          : // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
            /[\u0000-\u001f\u007f\\]/.test(file) || !file.isWellFormed()
            ? 'has characters that no name may have'
            : taken.has(basename(file))
              ? 'is the name of settings'
              : null;
  if (wrong === null) return parts;
  throw new SendenseError('plan.file', `${JSON.stringify(file.slice(0, longest))} ${wrong}`, {
    details: { field: 'file' },
  });
}

const plain = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Of a file that is to be made. @throws SendenseError `plan.file` */
export function partsOfNew(file: string): readonly string[] {
  const parts = partsOf(file);
  if (parts.every((part) => plain.test(part))) return parts;
  throw new SendenseError('plan.file', `a plan file cannot be called ${JSON.stringify(file)}`, {
    remedy: 'Take letters, digits, dots, dashes and underlines, such as pgtest1-nightly.yaml.',
    details: { field: 'file' },
  });
}
