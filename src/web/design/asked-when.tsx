import type { JSX } from 'preact';
import { formatDuration } from '../../view/format.ts';
import { now } from './moment.ts';
import { StatusMark } from './status-mark.tsx';
import { Text } from './text.tsx';
import { Time } from './time.tsx';

interface AskedWhenProps {
  readonly of: {
    readonly state: 'never' | 'running' | 'ended';
    readonly by: string | null;
    readonly begun: number | null;
    readonly ended: number | null;
  };
  /** `check` */
  readonly what: string;
}

/** When a long question was asked and by whom, and that it goes on. */
export function AskedWhen({ of: { state, by, begun, ended }, what }: AskedWhenProps): JSX.Element | null {
  if (state === 'never' || begun === null) return null;
  if (state === 'running')
    return (
      <p role="status">
        <StatusMark look={{ shape: 'arc', tone: 'busy', word: `The ${what} goes on` }} />{' '}
        <span class="soft">for {formatDuration(Math.max(0, now.value - begun))}. You may leave this page.</span>
      </p>
    );
  return (
    <p class="soft">
      Asked <Time at={begun} /> by <Text of={by ?? ''} />; it took{' '}
      {formatDuration(Math.max(0, (ended ?? begun) - begun))}.
    </p>
  );
}
