import { readRegularNow } from '../../host/files/regular-file.ts';
import { distrustOf } from '../../host/trust/distrust-of.ts';
import { secretKey } from '../../plan/diagnostics/diagnostic.ts';
import { loadPlanText } from '../../plan/load-plan.ts';
import { maskLine } from '../../plan/yaml/mask-line.ts';
import { textOf } from '../../plan/yaml/read-document.ts';
import type { HubPlan } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { scheduledText } from '../../state/schedules/schedules.ts';

/** Bytes. */
const mostBytes = 1024 * 1024;

/**
 * The text of a plan for people who may look and not edit: what stands where a secret may be is replaced by `*`. Of a plan with a schedule
 * the text in force, else what its file has now. Null: its file is not there, holds no plan of this name, or somebody else could have
 * written it, so that it could be any file of this machine.
 */
export function shownText(state: State, { plan, file, schedule }: HubPlan): string | null {
  const text = (schedule && scheduledText(state, plan)) ?? fileText(plan, file);
  return text === null ? null : masked(text);
}

function fileText(plan: string, file: string): string | null {
  if (distrustOf(file) !== null) return null;
  const source = textOf(bytesOf(file), file);
  if (!('text' in source)) return null;
  const { value } = loadPlanText({ file, text: source.text }).document;
  return (value as { readonly name?: unknown } | null)?.name === plan ? source.text : null;
}

function bytesOf(file: string): Uint8Array {
  try {
    return readRegularNow(file, mostBytes);
  } catch {
    return new Uint8Array();
  }
}

/** What the lines below a key that may be a secret are: all of it secret, or a mapping that may say where the secret is. */
type Below = 'value' | 'mapping';

/** Comments stay. In doubt it masks. */
function masked(text: string): string {
  let secret: { readonly column: number; readonly below: Below } | null = null;
  return text
    .split('\n')
    .map((line) => {
      const column = line.search(/[^\s-]/);
      if (column === -1) return line;
      if (secret !== null && column > secret.column)
        return secret.below === 'value' ? line.replaceAll(/\S/g, '*') : maskLine(line, '/secret');
      const below = secretBelow(line);
      secret = below && { column, below };
      return maskLine(line, '');
    })
    .join('\n');
}

const secretLine = new RegExp(`^[\\s-]*["']?[\\w.-]*(?:${secretKey.source})[\\w.-]*["']?\\s*:(.*)$`, 'i');

/** Whether lines that are deeper go on with a secret: `password: |`, a text that was begun, `token:` with a mapping below it. */
function secretBelow(line: string): Below | null {
  const value = secretLine.exec(line)?.[1];
  if (value === undefined) return null;
  return /^\s*(?:#.*)?$/.test(value) || /^\s*[{[]/.test(value) ? 'mapping' : 'value';
}
