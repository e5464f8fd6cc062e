import type { JSX } from 'preact';
import { absolute, exact, now, relative } from './moment.ts';

export interface TimeProps {
  /** Milliseconds since the epoch; null: there is none. */
  readonly at: number | null | undefined;
  /** In place of a time that there is not. */
  readonly none?: string;
}

/** A moment as people say it, and the absolute time beside it. */
export function Time({ at, none = 'never' }: TimeProps): JSX.Element {
  if (at === null || at === undefined) return <span class="soft">{none}</span>;
  return (
    <time class="nowrap" dateTime={new Date(at).toISOString()} title={exact(at)}>
      {relative(at, now.value)} <span class="soft">{absolute(at, now.value)}</span>
    </time>
  );
}
