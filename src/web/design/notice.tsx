import './controls.css';
import type { ComponentChildren, JSX } from 'preact';
import type { ErrorOutput } from '../../schemas/types.ts';
import { Advice, plain } from './text.tsx';

export interface NoticeProps {
  readonly tone: 'bad' | 'warn' | 'idle';
  readonly children: ComponentChildren;
  /** Who listens hears of it at once. */
  readonly alert?: boolean;
}

/** Something that the reader should know, with what to do. */
export const Notice = ({ tone, children, alert }: NoticeProps): JSX.Element => (
  <div class={`notice tone-${tone}`} role={alert ? 'alert' : undefined}>
    {children}
  </div>
);

/** An error as the programs tell it: what happened, what to do, and its code. */
export const ErrorNotice = ({
  error,
  alert,
}: {
  readonly error: ErrorOutput;
  readonly alert?: boolean;
}): JSX.Element => (
  <Notice tone="bad" alert={alert ?? false}>
    <strong>{plain(error.message)}</strong>
    {error.remedy === '' ? null : (
      <span>
        <Advice of={error.remedy} />
      </span>
    )}
    <PlaceInPlan error={error} />
    <span class="code mono">{error.code}</span>
  </Notice>
);

/** Where in the plan it lies. Nobody looks for a mistake there in a run that was stopped, or in a plan that a command made. */
function PlaceInPlan({ error: { position, code } }: { readonly error: ErrorOutput }): JSX.Element | null {
  if (position === null || code === 'run.cancelled' || !position.file.startsWith('/')) return null;
  return (
    <span>
      In the plan: <code>{plain(`${position.file}:${position.line}:${position.column}`)}</code>
    </span>
  );
}

/** There is nothing to show: why, and what to do next. */
export const Empty = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element => (
  <div class="empty">
    <strong>{title}</strong>
    <span>{children}</span>
  </div>
);
