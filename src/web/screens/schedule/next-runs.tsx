import type { JSX } from 'preact';
import type { TimetablePlan } from '../../../schemas/types.ts';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

const most = 6;

/** What begins next, whichever week is shown. */
export function NextRuns({ plans }: { readonly plans: readonly TimetablePlan[] }): JSX.Element {
  const next = plans
    .flatMap(({ plan, next: at }) => (at === null ? [] : [{ plan, at }]))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, most);
  return (
    <section class="block" aria-labelledby="next">
      <h2 id="next">{next.length === 0 ? 'Nothing begins by itself' : 'Next'}</h2>
      {next.length === 0 ? (
        <p class="soft">Every schedule is off, paused, or its plan is not valid.</p>
      ) : (
        <ol class="next-runs">
          {next.map(({ plan, at }) => (
            <li key={plan}>
              <Time at={at} />
              <Text of={plan} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
