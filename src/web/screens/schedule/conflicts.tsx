import type { JSX } from 'preact';
import type { TimetableConflict } from '../../../schemas/types.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

const words = { vm: 'same VM', limit: 'too many' } as const;

/** Where runs will wait for others. */
export const Conflicts = ({ conflicts }: { readonly conflicts: readonly TimetableConflict[] }): JSX.Element | null =>
  conflicts.length === 0 ? null : (
    <section class="block" aria-labelledby="conflicts">
      <h2 id="conflicts">In each other’s way ({conflicts.length})</h2>
      <ul class="conflicts">
        {conflicts.map((one) => (
          <li key={`${one.kind} ${one.at} ${one.message}`}>
            <StatusMark look={{ shape: 'triangle', tone: 'warn', word: words[one.kind] }} />
            <span>
              {plain(one.message)}
              {one.times > 1 ? <span class="soft"> {one.times} times this week.</span> : null}
            </span>
            <Time at={one.at} />
          </li>
        ))}
      </ul>
      <p class="soft">As far as runs take as long as they took last.</p>
    </section>
  );
