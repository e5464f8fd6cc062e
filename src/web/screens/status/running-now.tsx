import type { JSX } from 'preact';
import type { StatusOutput } from '../../../schemas/types.ts';
import { formatDuration, subjectOf } from '../../../view/format.ts';
import { runLook } from '../../design/looks.ts';
import { now } from '../../design/moment.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';

/** The runs that go on. */
export function RunningNow({ runs }: { readonly runs: StatusOutput['runs'] }): JSX.Element {
  const those = runs.filter(({ finished }) => finished === null);
  return (
    <section class="block" aria-labelledby="running">
      <h2 id="running">{those.length === 0 ? 'Nothing runs now' : `Running now (${those.length})`}</h2>
      <ul class="running">
        {those.map((run) => (
          <li key={run.run_id}>
            <StatusMark look={runLook(run.status)} />
            <span>
              <a href={`/runs/${encodeURIComponent(run.run_id)}`}>{plain(subjectOf(run))}</a>{' '}
              <span class="soft">
                <Text of={run.plan} />
              </span>
            </span>
            <span class="soft nowrap">for {formatDuration(Math.max(0, now.value - run.started))}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
