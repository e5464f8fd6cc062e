import { SendenseError } from '../../../errors/sendense-error.ts';
import { oneAtATime } from '../../../host/system/one-at-a-time.ts';
import { validateOutput } from '../../../plan/diagnostics/format-diagnostics.ts';
import { validateFiles } from '../../../plan/validate-files.ts';
import type { ValidateOutput } from '../../../schemas/types.ts';
import type { Asker } from '../../runs/start-run.ts';
import type { HubParts } from '../route.ts';

export interface CheckedText {
  readonly text: string;
  /** Absolute: what messages call it. */
  readonly as?: string | undefined;
}

/** Longer texts can be made to take long enough that others would wait for them, characters. */
const quick = 8 * 1024;

/** Who sends many long texts waits for himself. */
const alone = oneAtATime();

/** What is wrong with the text of a plan. A long one is looked at by a process of its own. */
export async function checkText(
  { hub, askCommand }: Pick<HubParts, 'hub' | 'askCommand'>,
  { text, as }: CheckedText,
  asker: Asker,
): Promise<ValidateOutput> {
  if (text.length > quick) {
    const words = ['validate', ...(as === undefined ? [] : ['--as', as]), '-'];
    const ask = () => askCommand(words, asker, { input: text, answersWith: [10] });
    return (await alone('long texts', ask)) as ValidateOutput;
  }
  const enrolledNodes = (): string[] => hub.nodes.list().nodes.map(({ name }) => name);
  return validateOutput(validateFiles(['-'], { config: hub.settingsFile, stdin: text, as, enrolledNodes }));
}

/** @throws SendenseError `plan.invalid` for a text that is no valid plan, or whose name another file has */
export async function assertValid(
  parts: Pick<HubParts, 'hub' | 'askCommand'>,
  { file, text }: { readonly file: string; readonly text: string },
  asker: Asker,
): Promise<void> {
  const { planFiles } = parts.hub;
  const as = planFiles.pathOf(file);
  const { files, diagnostics } = await checkText(parts, { text, as }, asker);
  const errors = diagnostics.filter((one) => one.severity === 'error' && one.file === as);
  const [first] = errors;
  if (first)
    throw new SendenseError(
      'plan.invalid',
      `${file}:${first.line}:${first.column}: ${first.message}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}`,
      { remedy: first.remedy, position: { file, line: first.line, column: first.column }, details: { field: 'text' } },
    );
  const name = files.find((one) => one.file === as)?.name ?? null;
  const other =
    name === null ? undefined : (await planFiles.list()).find((one) => one.plan === name && one.file !== file);
  if (other)
    throw new SendenseError('plan.invalid', `a plan named ${name} is in ${other.file} already`, {
      remedy: 'Give one of the two another `name`.',
      details: { field: 'text' },
    });
}
