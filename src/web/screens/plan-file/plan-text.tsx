import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { createPlanEditor, type PlanEditor } from '../../editor/plan-editor.ts';
import type { SchemaPart } from '../../editor/schema-help.ts';
import { ask } from '../../client/ask.ts';
import type { PlanDraft } from './plan-draft.ts';

export interface PlanTextProps {
  readonly draft: PlanDraft;
  readonly label: string;
  /** Name of the file for messages. */
  fileName(): string;
  onSave(): void;
  /** Gets the editor when it is there, and null when it goes. */
  onEditor(editor: PlanEditor | null): void;
}

let schema: SchemaPart | null = null;

/** Without it the editor completes nothing, and all else works. */
async function readSchema(): Promise<void> {
  if (schema) return;
  const answer = await ask<SchemaPart>('/api/v1/plan-schema');
  if (answer.ok === true) schema = answer.body;
}

/** The editor, in a shadow tree of its own: its styles are style sheets there, and nothing stands in the document. */
export function PlanText({ draft, label, fileName, onSave, onEditor }: PlanTextProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = frame;
    if (!current) return undefined;
    void readSchema();
    const root = current.shadowRoot ?? current.attachShadow({ mode: 'open' });
    const editor = createPlanEditor({
      root,
      text: draft.text.peek(),
      label,
      onChange: draft.type,
      onSave,
      check: (text) => draft.check(text, fileName()),
      schema: () => schema,
    });
    onEditor(editor);
    return () => {
      onEditor(null);
      editor.destroy();
    };
  }, [draft]);
  return <div class="plan-file-frame" ref={frame} />;
}
