import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubCheck } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { ask } from '../../client/ask.ts';
import { useInquiry } from '../../client/inquiry.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { SelectField } from '../../design/select-field.tsx';
import { AskedWhen } from '../../design/asked-when.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { Advice, plain } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';

/** Looks for damage, and says what was found. */
export function Check({ repository }: { readonly repository: string }): JSX.Element {
  const path = `/api/v1/repositories/${encodeURIComponent(repository)}/check`;
  const live = useInquiry<HubCheck>(path);
  const open = useSignal(false);
  const data = live.data.value;
  return (
    <section class="block" aria-labelledby="check">
      <div class="block-head">
        <h2 id="check">Check</h2>
        {may('operate') ? (
          <button type="button" class="button" disabled={data?.state === 'running'} onClick={() => (open.value = true)}>
            Look for damage
          </button>
        ) : null}
      </div>
      <TroubleNotice of={live.trouble.value} />
      {data?.state === 'never' ? (
        <p class="soft">
          A check compares all files with what was committed, and says what is damaged, missing or left over. It changes
          nothing. Since the hub was started nobody has begun one here.
        </p>
      ) : null}
      {data ? <AskedWhen of={data} what="check" /> : null}
      {data?.error ? <ErrorNotice error={data.error} /> : null}
      {data?.result ? <Found result={data.result} /> : null}
      {open.value ? (
        <ActDialog
          title={`Check ${plain(repository)}?`}
          act="Check"
          onClose={() => (open.value = false)}
          onAct={(form) => ask<HubCheck>(path, { method: 'POST', body: { quick: form.get('how') === 'quick' } })}
          onDone={live.again}
        >
          <SelectField label="How" name="how" options={ways} />
        </ActDialog>
      ) : null}
    </section>
  );
}

const ways = [
  { value: 'deep', word: 'Everything (may take hours)' },
  { value: 'quick', word: 'Quick: sizes, chains and manifests' },
] as const;

function Found({ result }: { readonly result: NonNullable<HubCheck['result']> }): JSX.Element {
  const { ok, findings, findings_total: total } = result;
  return (
    <>
      <p>
        <StatusMark
          look={
            !ok
              ? { shape: 'cross', tone: 'bad', word: 'damaged' }
              : total > 0
                ? { shape: 'triangle', tone: 'warn', word: 'sound, with remarks' }
                : { shape: 'check', tone: 'good', word: 'sound' }
          }
        />{' '}
        <span class="soft">
          {result.points_checked} restore points, {formatBytes(result.bytes_read)} read
          {result.quick ? '; quick: the content was not read' : ''}
        </span>
      </p>
      {total === 0 ? null : (
        <ul class="findings">
          {findings.map((one, index) => (
            <li key={`${one.code} ${one.path} ${index}`}>
              <StatusMark
                look={
                  one.severity === 'error'
                    ? { shape: 'cross', tone: 'bad', word: 'damage' }
                    : { shape: 'triangle', tone: 'warn', word: 'remark' }
                }
              />
              <span>
                {plain(one.message)}{' '}
                <span class="soft">
                  <Advice of={one.remedy} />
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {findings.length < total ? <p class="soft">{total - findings.length} more are not shown.</p> : null}
    </>
  );
}
