import './run.css';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { HubRunProgress, ShowRunOutput } from '../../../schemas/types.ts';
import { formatDuration, subjectOf } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { useRunLog } from '../../client/run-log.ts';
import { may } from '../../client/session.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { FactList, type Fact } from '../../design/fact-list.tsx';
import { runLook } from '../../design/looks.ts';
import { now } from '../../design/moment.ts';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain } from '../../design/text.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { NamedLink } from '../../shell/named-link.tsx';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { Cancel } from './cancel.tsx';
import { Disks } from './disks.tsx';
import { Log } from './log.tsx';
import { logReader } from './log-lines.ts';
import { Restored } from './restored.tsx';
import { Steps } from './steps.tsx';

type Run = ShowRunOutput['run'];

/** Who may restore may end that. */
const mayCancel = (kind: string): boolean => may('operate') || (['restore', 'boot'].includes(kind) && may('restore'));

/** How a run went, or goes: what went wrong and the way out first, then step by step. */
export function RunScreen({ params }: ScreenProps): JSX.Element {
  const id = params['run'] ?? '';
  const live = useLive<ShowRunOutput>(`/api/v1/runs/${encodeURIComponent(id)}`, {
    topics: ['status', `run:${id}`],
    everyMs: 2000,
  });
  const data = live.data.value;
  useTitle(data ? `${runLook(data.run.status).word}: ${plain(subjectOf(data.run))}` : 'Run');
  return (
    <>
      <header>
        <Crumbs of={[{ title: 'Runs', to: '/runs' }]} />
        <div class="page-head">
          <h1>{data ? plain(subjectOf(data.run)) : 'Run'}</h1>
          {data ? (
            <span class="run-state">
              <StatusMark look={runLook(data.run.status, data.warnings.length)} />
              {data.run.finished === null && data.run.owner_alive && mayCancel(data.run.kind) ? (
                <Cancel id={id} onAsked={live.again} />
              ) : null}
            </span>
          ) : null}
        </div>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {data ? <Found data={data} /> : null}
    </>
  );
}

function Found({ data }: { readonly data: ShowRunOutput }): JSX.Element {
  const { run, warnings, steps, children } = data;
  const log = useRunLog(run.run_id);
  const read = useMemo(logReader, [log]);
  const { model, lines } = read(log.events.value);
  const at = run.finished === null ? `/api/v1/runs/${encodeURIComponent(run.run_id)}/progress` : null;
  const progress = useLive<HubRunProgress>(at, { topics: [`progress:${run.run_id}`], everyMs: 1000 }).data.value;
  return (
    <>
      {run.error ? <ErrorNotice error={run.error} /> : null}
      {run.finished === null && !run.owner_alive ? (
        <Notice tone="bad">
          <strong>The process of this run is gone.</strong>
          <span>The next run cleans up after it. To do it now: `sendense-run recover` on the hub.</span>
        </Notice>
      ) : null}
      {warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          <span>{plain(warning)}</span>
        </Notice>
      ))}
      <Facts data={data} />
      {run.kind === 'restore' ? <Restored id={run.run_id} /> : null}
      {at !== null && progress && movesNow(progress) ? <Disks of={progress} /> : null}
      <section class="block" aria-labelledby="steps">
        <h2 id="steps">Steps</h2>
        {steps.length === 0 ? <p class="soft">No step has begun.</p> : <Steps steps={steps} run={run} model={model} />}
      </section>
      {children.length === 0 ? null : (
        <section class="block" aria-labelledby="parts">
          <h2 id="parts">Runs of its VMs ({children.length})</h2>
          <ul class="steps">
            {children.map((child) => (
              <Child key={child.run_id} run={child} />
            ))}
          </ul>
        </section>
      )}
      {lines.length > 0 ? (
        <Log lines={lines} ended={log.ended.value} name={run.run_id} />
      ) : log.trouble.value?.code === 'run.no-log' ? (
        <p class="soft">{plain(log.trouble.value.message)}</p>
      ) : null}
    </>
  );
}

const movesNow = ({ disks, overall }: HubRunProgress): boolean => disks.length > 0 || overall !== null;

/** What began a run that nobody asked the API for. */
const begunBy: Readonly<Record<string, string>> = {
  'command': 'a command at the hub, without a plan',
  'manual': 'a command at the hub',
  'schedule': 'its schedule',
  'timer': 'a timer of systemd',
  'catch-up': 'its schedule, later than planned',
  'backfill': 'a command that made up for missed times',
  'group': 'its group',
};

function Facts({
  data: { run, trigger, asked_by: who, stopped_by: stopper, parent_run: parent, plan_file: file },
}: {
  readonly data: ShowRunOutput;
}): JSX.Element {
  const facts: readonly Fact[] = [
    ['Started', <Time at={run.started} />],
    ['Took', tookOf(run)],
    ...(run.vm === '*' ? [] : [['VM', <NamedLink kind="vm" name={run.vm} />] as const]),
    ...(trigger === 'command' ? [] : [['Plan', <NamedLink kind="plan" name={run.plan} />] as const]),
    ['Begun by', who === null ? (begunBy[trigger] ?? trigger) : <Text of={who} />],
    ...(stopper === null ? [] : [['Stopped by', <Text of={stopper} />] as const]),
    ...(parent === null ? [] : [['Part of', <a href={`/runs/${encodeURIComponent(parent)}`}>its group</a>] as const]),
    ...(run.backup_id === null ? [] : [['Restore point', <code>{plain(run.backup_id)}</code>] as const]),
    ['Id', <code>{plain(run.run_id)}</code>],
    ...(trigger === 'command' || file === '' ? [] : [['Plan file', <code>{plain(file)}</code>] as const]),
  ];
  return <FactList of={facts} />;
}

const tookOf = (run: Run): string =>
  run.finished === null
    ? `${formatDuration(Math.max(0, now.value - run.started))} so far`
    : formatDuration(run.finished - run.started);

const Child = ({ run }: { readonly run: Run }): JSX.Element => (
  <li>
    <StatusMark look={runLook(run.status)} />
    <a href={`/runs/${encodeURIComponent(run.run_id)}`}>{plain(run.vm)}</a>
    <span class="soft nowrap">{tookOf(run)}</span>
    {run.error ? <span class="why">{plain(run.error.message)}</span> : null}
  </li>
);
