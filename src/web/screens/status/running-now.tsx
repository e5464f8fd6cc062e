import type { JSX } from 'preact';
import type { HubProgress, StatusOutput } from '../../../schemas/types.ts';
import { formatDuration, subjectOf } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { runLook } from '../../design/looks.ts';
import { now } from '../../design/moment.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { screenAt } from '../../shell/screens.ts';
import { ProgressLine } from '../run/progress-line.tsx';

/** Somebody looks into a restore point; `files` of src/hub/files is called so. */
const showsFiles = ({ kind, plan }: StatusOutput['runs'][number]): boolean => kind === 'care' && plan === 'files';

function mayRead(): boolean {
  const files = screenAt('/files');
  return files !== undefined && may(files.screen.right);
}

/** The runs that go on, and how far each is. */
export function RunningNow({ runs }: { readonly runs: StatusOutput['runs'] }): JSX.Element {
  const going = runs.filter(({ finished }) => finished === null);
  const those = going.filter((run) => !showsFiles(run));
  const open = going.length - those.length;
  const path = those.length === 0 ? null : '/api/v1/progress';
  const progress = useLive<HubProgress>(path, { topics: ['progress'], everyMs: 1000 }).data.value?.runs ?? [];
  return (
    <section class="block" aria-labelledby="running">
      <h2 id="running">{those.length === 0 ? 'Nothing runs now' : `Running now (${those.length})`}</h2>
      {open === 0 ? null : (
        <p class="soft">
          {open === 1 ? 'A restore point is open' : `${open} restore points are open`} to look at files
          {mayRead() ? (
            <>
              {': '}
              <a href="/files">Files</a> shows {open === 1 ? 'it' : 'them'}, and closes {open === 1 ? 'it' : 'them'}.
            </>
          ) : (
            '.'
          )}
        </p>
      )}
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
