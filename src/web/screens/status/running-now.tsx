import type { JSX } from 'preact';
import type { HubProgress, StatusOutput } from '../../../schemas/types.ts';
import { formatDuration, subjectOf } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { runLook } from '../../design/looks.ts';
import { now } from '../../design/moment.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { ProgressLine } from '../run/progress-line.tsx';

/** The runs that go on, and how far each is. */
export function RunningNow({ runs }: { readonly runs: StatusOutput['runs'] }): JSX.Element {
  const those = runs.filter(({ finished }) => finished === null);
  const path = those.length === 0 ? null : '/api/v1/progress';
  const progress = useLive<HubProgress>(path, { topics: ['progress'], everyMs: 1000 }).data.value?.runs ?? [];
  return (
    <section class="block" aria-labelledby="running">
      <h2 id="running">{those.length === 0 ? 'Nothing runs now' : `Running now (${those.length})`}</h2>
      <ul class="running">
        {those.map((run) => {
          const said = progress.find((one) => one.run_id === run.run_id);
          return (
            <li key={run.run_id}>
              <StatusMark look={runLook(run.status)} />
              <span class="what">
                <span>
                  <a href={`/runs/${encodeURIComponent(run.run_id)}`}>{plain(subjectOf(run))}</a>{' '}
                  <span class="soft">
                    <Text of={run.plan} />
                  </span>
                </span>
                {said ? <ProgressLine of={said} /> : null}
              </span>
              <span class="soft nowrap">for {formatDuration(Math.max(0, now.value - run.started))}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
