import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import type { Trouble } from '../../client/ask.ts';
import { Empty, ErrorNotice } from '../../design/notice.tsx';

export interface ListedProps {
  readonly title: string;
  /** What the button beside the title does; none without it. */
  readonly act?: string;
  onAct?(): void;
  readonly trouble: Trouble | undefined;
  /** Why there is nothing in the list; null: there is something. */
  readonly empty: { readonly title: string; readonly next: string } | null;
  readonly children: ComponentChildren;
}

/** A list with its title, and a button for one more. */
export function Listed({ title, act, onAct, trouble, empty, children }: ListedProps): JSX.Element {
  const name = useId();
  return (
    <section class="block" aria-labelledby={name}>
      <div class="block-head">
        <h2 id={name}>{title}</h2>
        {act ? (
          <button type="button" class="button small" onClick={onAct}>
            {act}
          </button>
        ) : null}
      </div>
      {trouble && trouble.status > 0 && trouble.status !== 401 ? <ErrorNotice error={trouble} alert /> : null}
      {empty === null ? null : <Empty title={empty.title}>{empty.next}</Empty>}
      {children}
    </section>
  );
}
