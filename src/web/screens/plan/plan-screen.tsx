import './plan.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubOnePlan, HubPlan, HubPlanText, HubRuns, PlanOutput } from '../../../schemas/types.ts';
import { subjectOf } from '../../../view/format.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { runLook } from '../../design/looks.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { StepsAhead } from '../../design/steps-ahead.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { linkTo } from '../../shell/links.ts';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { planLook } from '../plans/plan-state.ts';
import { Members } from './members.tsx';
import { mayRun, PlanActs } from './plan-acts.tsx';

/** A dry-run looks at the disks, also at those of other machines. */
const patienceMs = 120_000;

/** One plan: how it goes with it, its text, what it would do, its runs. */
export function PlanScreen({ params }: ScreenProps): JSX.Element {
  const name = params['plan'] ?? '';
  const at = `/api/v1/plans/${encodeURIComponent(name)}`;
  const live = useLive<HubOnePlan>(at, { topics: ['status'] });
  const text = useLive<HubPlanText>(`${at}/text`, { topics: ['status'] });
  const plan = live.data.value?.plan;
  useTitle(plain(name));
  return (
    <>
      <header>
        <Crumbs of={[{ title: 'Plans', to: '/plans' }]} />
        <div class="page-head">
          <h1>
            <Text of={name} />
          </h1>
          {plan ? (
            <span class="plan-acts">
              <StatusMark look={planLook(plan)} />
              <EditLink file={text.data.value?.file ?? null} />
              <PlanActs plan={plan} onChange={live.again} />
            </span>
          ) : null}
        </div>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {plan ? (
        <>
          {plan.schedule?.error ? <ErrorNotice error={plan.schedule.error} /> : null}
          <Facts plan={plan} />
          {plan.kind === 'group' ? <Members plan={name} /> : null}
          {mayRun(plan) ? <Ahead at={at} key={at} /> : null}
          <Runs plan={name} />
          <section class="block">
            <h2>Text</h2>
            <TroubleNotice of={text.trouble.value} />
            {text.data.value ? (
              <pre class="plan-text" role="region" aria-label="Text of the plan" tabIndex={0}>
                {text.data.value.text.split('\n').map(plain).join('\n')}
              </pre>
            ) : null}
          </section>
        </>
      ) : null}
    </>
  );
}

const EditLink = ({ file }: { readonly file: string | null }): JSX.Element | null =>
  file !== null && may('plan') ? (
    <a class="button" href={`/plan-files/${encodeURIComponent(file)}`}>
      Edit
    </a>
  ) : null;

function Facts({ plan }: { readonly plan: HubPlan }): JSX.Element {
  const { schedule, health, kind, vm, file } = plan;
  const link = vm === null || vm === '*' ? null : linkTo('vm', vm);
  const facts: readonly (readonly [name: string, value: JSX.Element | string])[] = [
    [
      'What it does',
      kind === null ? (
        ''
      ) : link ? (
        <a href={link.to}>{plain(subjectOf({ kind, vm: vm ?? '*' }))}</a>
      ) : (
        plain(subjectOf({ kind, vm: vm ?? '*' }))
      ),
    ],
    ['Next run', <Time at={schedule?.next} none={schedule?.paused ? 'paused' : 'not scheduled'} />],
    ...(schedule?.cron
      ? [['Schedule', <code>{plain(`${schedule.cron} ${schedule.timezone ?? ''}`)}</code>] as const]
      : []),
    ['Last success', <When at={health?.last_success} run={health?.last_success_run} />],
    ['Last failure', <When at={health?.last_failure} run={health?.last_failure_run} />],
    ['File', <span class="mono">{plain(file)}</span>],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface WhenProps {
  readonly at: number | null | undefined;
  readonly run: string | null | undefined;
}

const When = ({ at, run }: WhenProps): JSX.Element => (
  <>
    <Time at={at} /> {run ? <a href={`/runs/${encodeURIComponent(run)}`}>its run</a> : null}
  </>
);

function Ahead({ at }: { readonly at: string }): JSX.Element {
  const busy = useSignal(false);
  const found = useSignal<PlanOutput | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const look = async (): Promise<void> => {
    busy.value = true;
    const answer = await ask<PlanOutput>(`${at}/preview`, { method: 'POST', body: {}, patienceMs });
    busy.value = false;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    found.value = answer.ok === true ? answer.body : undefined;
  };
  return (
    <section class="block">
      <div class="block-head">
        <h2>What it would do</h2>
        <button type="button" class="button small" aria-disabled={busy.value} onClick={() => busy.value || void look()}>
          {busy.value ? 'Looking…' : found.value ? 'Look again' : 'Look'}
        </button>
      </div>
      {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
      {found.value ? (
        <StepsAhead of={found.value} />
      ) : (
        <p class="soft">The hub looks at disks and repository, as a run would now, and writes nothing.</p>
      )}
    </section>
  );
}

const fewRuns = 8;

function Runs({ plan }: { readonly plan: string }): JSX.Element {
  const path = `/api/v1/runs?plan=${encodeURIComponent(plan)}&limit=${fewRuns}`;
  const runs = useLive<HubRuns>(path, { topics: ['status'] }).data.value?.runs ?? [];
  return (
    <section class="block">
      <div class="block-head">
        <h2>Its runs</h2>
        {runs.length > 0 ? <a href={`/runs?plan=${encodeURIComponent(plan)}`}>All of them</a> : null}
      </div>
      {runs.length === 0 ? <p class="soft">It has not run yet.</p> : null}
      <ul class="plan-runs">
        {runs.map((run) => (
          <li key={run.run_id}>
            <StatusMark look={runLook(run.status, run.warnings)} />{' '}
            <a href={`/runs/${encodeURIComponent(run.run_id)}`}>
              <Time at={run.started} />
            </a>{' '}
            {run.error ? <span class="soft">{plain(run.error.message)}</span> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
