/** What a restore writes above the notes of a VM while the VM is not whole. */
export interface LinesForm {
  /** The first line begins with it. */
  readonly head: string;
  /** What the second line can be. */
  readonly sentences: readonly string[];
}

const notYet = 'Sendense restores this VM. Do not start it yet.';

/** Of a VM that a restore makes. */
export const newVmLines = {
  head: 'sendense-restore/1',
  sentences: [`${notYet} If you start it, remove these lines first.`, notYet],
} as const satisfies LinesForm;

/** Of a VM that is restored in place. */
export const inPlaceLines = {
  head: 'sendense-in-place/1',
  sentences: [
    'Sendense is about to restore the disks of this VM. Do not start it.',
    'Sendense restores the disks of this VM, and they are not whole. Do not start it. Do not back it up.',
  ],
} as const satisfies LinesForm;

/** The notes that a VM has without such lines above them. Default: of all forms, as for notes that were saved. */
export function withoutLines(notes: string, forms: readonly LinesForm[] = [newVmLines, inPlaceLines]): string {
  const formOf = (text: string): LinesForm | undefined => forms.find(({ head }) => text.trimStart().startsWith(head));
  let rest = notes;
  for (let form = formOf(rest); form; form = formOf(rest)) {
    const [, ...lines] = rest.trimStart().split(/\r?\n/);
    if (form.sentences.includes(lines[0] ?? '')) lines.shift();
    rest = lines.join('\n');
  }
  return rest === notes ? notes : rest.trimStart();
}

/**
 * The notes that a VM has without lines of one form, wherever they stand: people write above them, or remove the first.
 * Only for lines that nothing is decided by.
 */
export function withoutLinesAnywhere(notes: string, { head, sentences }: LinesForm): string {
  const isOurs = (line: string): boolean => line.trim().startsWith(head) || sentences.includes(line.trim());
  const lines = notes.split('\n');
  const kept = lines.filter((line, nth) => !isOurs(line) && !(line.trim() === '' && isOurs(lines[nth - 1] ?? '')));
  const rest = kept.join('\n');
  return rest.trim() === '' ? '' : rest;
}
