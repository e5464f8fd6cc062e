import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { DiagnosticOutput, HubPlanFile, PlanTextRequest, ValidateOutput } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { findDraft, forgetDraft, keepDraft } from '../../client/drafts.ts';

/** A version of a file; the one of a file that is to be made is empty. */
export type Version = Pick<HubPlanFile, 'text' | 'etag'>;

/** What somebody makes of a plan file. */
export interface PlanDraft {
  /** What is in the editor. */
  readonly text: Signal<string>;
  /** What it is made from; undefined until the file was read. */
  readonly base: ReadonlySignal<Version | undefined>;
  /** What somebody else has saved since; undefined: nobody has. */
  readonly theirs: ReadonlySignal<Version | undefined>;
  readonly dirty: ReadonlySignal<boolean>;
  /** When the text was typed that came back with the page, ms since the epoch. */
  readonly cameBack: ReadonlySignal<number | null>;
  /** What the hub finds wrong; undefined until it has looked. */
  readonly problems: ReadonlySignal<readonly DiagnosticOutput[] | undefined>;
  /** The file as the hub has it now. @returns the text that the editor has to show, where that is another than it has */
  saw(there: Version): string | undefined;
  type(text: string): void;
  /** From now on it is made from another version. */
  startFrom(version: Version): void;
  check(text: string, file: string): Promise<readonly DiagnosticOutput[] | null>;
}

/** @param name of the file, or of what is to be made; drafts are kept under it */
export function createPlanDraft(name: string): PlanDraft {
  const text = signal('');
  const base = signal<Version | undefined>(undefined);
  const there = signal<Version | undefined>(undefined);
  const cameBack = signal<number | null>(null);
  const problems = signal<readonly DiagnosticOutput[] | undefined>(undefined);
  const dirty = computed(() => base.value !== undefined && text.value !== base.value.text);

  function keep(): void {
    const from = base.peek();
    if (!from || text.peek() === from.text) forgetDraft(name);
    else keepDraft(name, { text: text.peek(), base: from.text, etag: from.etag, at: Date.now() });
  }

  function begin(found: Version): string {
    const draft = findDraft(name);
    const back = draft && draft.text !== found.text ? draft : null;
    base.value = back ? { text: back.base, etag: back.etag } : found;
    cameBack.value = back?.at ?? null;
    return (text.value = back?.text ?? found.text);
  }

  return {
    text,
    base,
    theirs: computed(() =>
      base.value && there.value && there.value.etag !== base.value.etag ? there.value : undefined,
    ),
    dirty,
    cameBack,
    problems,
    saw(found) {
      there.value = found;
      if (!base.peek()) return begin(found);
      if (base.peek()?.etag === found.etag) return undefined;
      if (found.text === text.peek()) {
        // Mine was saved, and the answer was lost; or both wrote the same.
        base.value = found;
        keep();
        return undefined;
      }
      if (dirty.peek()) return undefined;
      base.value = found;
      return (text.value = found.text);
    },
    type(typed) {
      text.value = typed;
      keep();
    },
    startFrom(version) {
      base.value = version;
      there.value = version;
      cameBack.value = null;
      keep();
    },
    async check(given, file) {
      const body: PlanTextRequest = { text: given, file };
      const answer = await ask<ValidateOutput>('/api/v1/plans/validate', { method: 'POST', body });
      if (answer.ok !== true) return null;
      const own = answer.body.diagnostics.filter((one) => one.file.endsWith(`/${file}`));
      if (given === text.peek()) problems.value = own;
      return own;
    },
  };
}
