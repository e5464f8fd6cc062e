import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubDiscoveredVm, HubDiscovery, HubSources } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { useInquiry } from '../../client/inquiry.ts';
import { useLive } from '../../client/live.ts';
import { usePages } from '../../client/pages.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { SelectField } from '../../design/select-field.tsx';
import { AskedWhen } from '../../design/asked-when.tsx';
import { Choices } from '../../design/narrowing.tsx';
import { Empty, ErrorNotice, Notice } from '../../design/notice.tsx';
import { Table } from '../../design/table.tsx';
import { plain } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { narrowed, NarrowVms, type RowChoice } from '../../shell/narrowed.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';
import { discoveredColumns } from './discovered-columns.tsx';

/** VMs that the sources have, and those that no plan protects. */
export function DiscoveryScreen(): JSX.Element {
  useTitle('Discovery');
  const live = useLive<HubSources>('/api/v1/sources', { everyMs: 30_000 });
  const data = live.data.value;
  const chosen = place.value.query.get('source') ?? data?.sources[0]?.source ?? '';
  return (
    <>
      <header class="page-head">
        <h1>Discovery</h1>
        {data && data.sources.length > 1 ? (
          <Choices
            label="Source"
            choices={data.sources.map(({ source }) => ({ value: source, word: plain(source) }))}
            value={chosen}
            onChoose={(source) => setQuery({ source, find: null })}
          />
        ) : null}
      </header>
      <TroubleNotice of={live.trouble.value} />
      {data === undefined ? null : data.sources.length === 0 ? (
        <Empty title="sendense.yaml names no source.">
          Name a vCenter, an ESXi host or images under <code>sources</code>, then restart the hub. Its VMs show here.
        </Empty>
      ) : (
        <Source key={chosen} source={chosen} nodes={data.nodes} />
      )}
    </>
  );
}

const choices: readonly RowChoice<HubDiscoveredVm>[] = [
  { value: '', word: 'No plan', fits: ({ plans }) => plans.length === 0 },
  { value: 'all', word: 'All', fits: () => true },
];

function Source({ source, nodes }: { readonly source: string; readonly nodes: readonly string[] }): JSX.Element {
  const path = `/api/v1/sources/${encodeURIComponent(source)}`;
  const live = useInquiry<HubDiscovery>(`${path}/discovery?limit=1`);
  const data = live.data.value;
  return (
    <>
      <section class="block" aria-labelledby="source">
        <div class="block-head">
          <h2 id="source">{plain(source)}</h2>
          {may('operate') ? (
            <AskSource path={path} nodes={nodes} busy={data?.state === 'running'} onAsked={live.again} />
          ) : null}
        </div>
        <TroubleNotice of={live.trouble.value} />
        {data?.state === 'never' ? (
          <p class="soft">Nobody has asked it for its VMs since the hub was started. Ask it now; it only looks.</p>
        ) : null}
        {data ? <AskedWhen of={data} what="question" /> : null}
        {data?.error ? <ErrorNotice error={data.error} /> : null}
        {data?.warnings.map((warning) => (
          <Notice key={warning} tone="warn">
            <span>{plain(warning)}</span>
          </Notice>
        ))}
        {data?.state === 'ended' && !data.error ? <p>{sentenceOf(data)}</p> : null}
      </section>
      {data?.state === 'ended' && data.total > 0 ? <Found key={data.ended} path={path} /> : null}
    </>
  );
}

const sentenceOf = ({ total, unprotected }: HubDiscovery): string =>
  total === 0
    ? 'It has no VMs that its login may see.'
    : unprotected === 0
      ? `A plan backs up each of its ${total} VMs.`
      : `No plan backs up ${unprotected} of its ${total} VMs.`;

interface AskSourceProps {
  readonly path: string;
  readonly nodes: readonly string[];
  readonly busy: boolean;
  onAsked(): void;
}

function AskSource({ path, nodes, busy, onAsked }: AskSourceProps): JSX.Element {
  const open = useSignal(false);
  return (
    <>
      <button type="button" class="button primary" disabled={busy} onClick={() => (open.value = true)}>
        Ask for its VMs
      </button>
      {open.value ? (
        <ActDialog
          title="Ask the source for its VMs?"
          act="Ask"
          onClose={() => (open.value = false)}
          onAct={(form) =>
            ask<HubDiscovery>(`${path}/discover`, { method: 'POST', body: { node: String(form.get('node')) } })
          }
          onDone={onAsked}
        >
          <SelectField
            label="Node that asks"
            name="node"
            options={nodes.map((node) => ({ value: node, word: node }))}
          />
        </ActDialog>
      ) : null}
    </>
  );
}

function Found({ path }: { readonly path: string }): JSX.Element {
  const list = usePages<HubDiscovery>(`${path}/discovery?limit=300`, { topics: ['status'], everyMs: 30_000 });
  const found = (list.pages.value ?? []).flatMap((page) => page.vms);
  const vms = narrowed(found, choices, ({ name, path: where }) => `${name} ${where ?? ''}`);
  const first = list.pages.value?.[0];
  return (
    <section class="block" aria-label="VMs of the source">
      <NarrowVms choices={choices} />
      <TroubleNotice of={list.trouble.value} />
      {list.pages.value && vms.length === 0 ? (
        <p class="soft">No VM is like that.</p>
      ) : (
        <Table
          caption="VMs of the source"
          columns={discoveredColumns(first?.source ?? '', first?.node ?? null)}
          rows={vms}
          keyOf={({ id, path: where, name }) => id ?? where ?? name}
        />
      )}
      {list.hasMore.value ? (
        <p>
          <button type="button" class="button small" onClick={list.more}>
            Show more VMs
          </button>
        </p>
      ) : null}
    </section>
  );
}
