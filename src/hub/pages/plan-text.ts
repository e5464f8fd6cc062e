import { readRegularNow } from '../../host/files/regular-file.ts';
import { distrustOf } from '../../host/trust/distrust-of.ts';
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

/** Comments stay. A value in several lines below a key that may be a secret is masked line by line. */
function masked(text: string): string {
  let secretBelow: number | null = null;
  return text
    .split('\n')
    .map((line) => {
      const indent = line.search(/\S/);
      if (indent === -1) return line;
      if (secretBelow !== null && indent > secretBelow) return line.replaceAll(/[^\s:{}[\],-]/g, '*');
      const shown = maskLine(line, '');
      secretBelow = opensSecret(line) ? indent : null;
      return shown;
    })
    .join('\n');
}

/** `password: |`, of which the lines below are the secret. `token:` with `secret: { file }` below it names no secret. */
const opensSecret = (line: string): boolean =>
  /(?:token|secret|passw|passphrase|credential|private.?key)[^:]*:\s*[|>][-+0-9]*\s*$/i.test(line);
