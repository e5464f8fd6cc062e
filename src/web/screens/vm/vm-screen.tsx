import './vm.css';
import { Fragment, type JSX } from 'preact';
import type { HubOneVm, HubVm } from '../../../schemas/types.ts';
import { formatAge } from '../../../view/format-age.ts';
import { formatBytes } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { FactList, type Fact } from '../../design/fact-list.tsx';
import { runLook, vmLooks } from '../../design/looks.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import type { Linked } from '../../shell/links.ts';
import { NamedLink } from '../../shell/named-link.tsx';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { BackUpNow } from './back-up-now.tsx';
import { Calendar } from './calendar.tsx';
import { Points } from './points.tsx';

/** 13 weeks, of which the last one goes on. */
const days = 91;

/** How well a VM is protected, day by day, and its restore points. */
export function VmScreen({ params }: ScreenProps): JSX.Element {
  const name = params['vm'] ?? '';
  const query = `days=${days}&offset=${-new Date().getTimezoneOffset()}`;
  const live = useLive<HubOneVm>(`/api/v1/vms/${encodeURIComponent(name)}?${query}`, { topics: ['status'] });
  const data = live.data.value;
  useTitle(plain(name));
  return (
    <>
      <header>
        <Crumbs of={[{ title: 'VMs', to: '/vms' }]} />
        <div class="page-head">
          <h1>
            <Text of={name} />
          </h1>
          {data ? (
            <span class="vm-state">
              <StatusMark look={vmLooks[data.vm.state]} />
              {may('operate') && data.vm.plans.length > 0 ? <BackUpNow vm={data.vm} /> : null}
            </span>
          ) : null}
        </div>
        {data?.vm.reason ? <p class="soft">{plain(data.vm.reason)}</p> : null}
      </header>
      <TroubleNotice of={live.trouble.value} />
      {data ? (
        <>
          <Facts vm={data.vm} />
          {data.vm.days && data.first_day ? <Calendar vm={name} days={data.vm.days} first={data.first_day} /> : null}
          <Points vm={data.vm} />
        </>
      ) : null}
    </>
  );
}

function Facts({ vm }: { readonly vm: HubVm }): JSX.Element {
  const { last_run: last } = vm;
  const facts: readonly Fact[] = [
    ['Newest restore point', <Time at={vm.newest?.created} />],
    [
      'Next backup',
      vm.running ? <RunLink id={vm.running} text="running now" /> : <Time at={vm.next} none="not scheduled" />,
    ],
    ['Wanted', vm.rpo_ms === null ? <span class="soft">no RPO</span> : `every ${formatAge(vm.rpo_ms)}`],
    ...(last
      ? [
          [
            'Last backup',
            <span class="last-run">
              <StatusMark look={runLook(last.status)} /> <RunLink id={last.run_id} text="its run" />
            </span>,
          ] as const,
        ]
      : []),
    ['Verified', <Time at={vm.verified} />],
    ['Restore points', `${vm.points}${vm.damaged > 0 ? `, ${vm.damaged} damaged` : ''}`],
    ['Size of their files', formatBytes(vm.file_bytes)],
    ['Plans', <Links kind="plan" names={vm.plans} />],
    ['Repositories', <Links kind="repository" names={vm.repositories} />],
  ];
  return <FactList of={facts} />;
}

const Links = ({ kind, names }: { readonly kind: Linked; readonly names: readonly string[] }): JSX.Element =>
  names.length === 0 ? (
    <span class="soft">none</span>
  ) : (
    <>
      {names.map((name, index) => (
        <Fragment key={name}>
          {index === 0 ? '' : ', '}
          <NamedLink kind={kind} name={name} />
        </Fragment>
      ))}
    </>
  );

const RunLink = ({ id, text }: { readonly id: string; readonly text: string }): JSX.Element => (
  <a href={`/runs/${encodeURIComponent(id)}`}>{text}</a>
);
