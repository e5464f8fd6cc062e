import { SendenseError } from '../errors/sendense-error.ts';
import type { DiagnosticOutput } from '../schemas/types.ts';

/** Which part of a command line each key of a plan comes from, by the pointer to it: `/repository` from `--repository`. */
export type OptionNames = Readonly<Record<string, string>>;

/**
 * What is wrong with a plan that a command made of its options, in words of these options: the user has written no file.
 * @param options undefined for a plan that the user wrote, whose errors stay as they are
 */
export function inWordsOfOptions(error: unknown, options: OptionNames | undefined): unknown {
  if (!options || !(error instanceof SendenseError) || error.code !== 'plan.invalid') return error;
  const diagnostics = (error.details?.['diagnostics'] ?? []) as readonly DiagnosticOutput[];
  const said = new Map<string, string>();
  const remedies = new Set<string>();
  for (const { path, message, remedy } of diagnostics) {
    const pointer = Object.keys(options)
      .filter((key) => path === key || path.startsWith(`${key}/`))
      .toSorted((a, b) => b.length - a.length)[0];
    const option = pointer === undefined ? path : options[pointer];
    if (option === undefined || said.has(option)) continue;
    said.set(option, message);
    if (remedy != null) remedies.add(remedy);
  }
  return new SendenseError('usage', [...said].map(([option, message]) => `${option}: ${message}`).join('; '), {
    remedy: [...remedies, 'Run the command with --help.'].join(' '),
    cause: error,
  });
}
