import { newVmLines, withoutLines } from '../../../machines/lines-in-notes.ts';

/** What says that a VM is being made by a restore of ours: in its annotation, from its first moment until it is finished. */
export interface RestoreMark {
  readonly run: string;
  readonly point: string;
}

const { head: form, sentences } = newVmLines;
const wordForm = /^[A-Za-z0-9._-]{1,100}$/;

/** The annotation of a VM that is not finished; `then` is the annotation that it gets at the end. */
export function markedAnnotation({ run, point }: RestoreMark, then: string): string {
  const head = `${form} run=${run} point=${point}`;
  return `${head}\n${sentences[0]}\n\n${then}`.trimEnd();
}

/**
 * The mark of a VM; null where it is finished, or is not ours. Somebody who writes another first line makes it theirs: it is never
 * removed then.
 */
export function readRestoreMark(annotation: string): RestoreMark | null {
  const [head, ...words] = (annotation.split(/\r?\n/, 1)[0] ?? '').trim().split(' ');
  if (head !== form || words.length !== 2) return null;
  const [run, point] = words.map((word, at) => valueOf(word, at === 0 ? 'run' : 'point'));
  return run && point ? { run, point } : null;
}

/**
 * An annotation without marks at its beginning: a VM that is backed up while it is restored has one, and others may have written one
 * into a repository. A finished VM that bore it would be taken for an unfinished one.
 */
export const withoutMark = (annotation: string): string => withoutLines(annotation, [newVmLines]);

function valueOf(word: string, name: string): string | null {
  const value = word.startsWith(`${name}=`) ? word.slice(name.length + 1) : '';
  return wordForm.test(value) ? value : null;
}
