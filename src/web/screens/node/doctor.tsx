import './doctor.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { DoctorOutput } from '../../../schemas/types.ts';
import { plural } from '../../../view/format.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import { may } from '../../client/session.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Advice, plain } from '../../design/text.tsx';

/** The node makes its checks one after the other. */
const patienceMs = 180_000;

type Check = DoctorOutput['checks'][number];

const looks: Readonly<Record<Check['result'], Look>> = {
  ok: { shape: 'check', tone: 'good', word: 'ok' },
  warn: { shape: 'triangle', tone: 'warn', word: 'warning' },
  fail: { shape: 'cross', tone: 'bad', word: 'failed' },
  skipped: { shape: 'dot', tone: 'idle', word: 'skipped' },
};

/** What is wrong with a node: the hub asks it, and it looks at itself. */
export function Doctor({ node }: { readonly node: string }): JSX.Element | null {
  const busy = useSignal(false);
  const found = useSignal<DoctorOutput | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  if (!may('operate')) return null;
  const look = async (): Promise<void> => {
    busy.value = true;
    const at = `/api/v1/nodes/${encodeURIComponent(node)}/doctor`;
    const answer = await ask<DoctorOutput>(at, { method: 'POST', patienceMs });
    busy.value = false;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    if (answer.ok === true) found.value = answer.body;
  };
  const output = found.value;
  return (
    <section class="block" aria-labelledby="doctor">
      <div class="block-head">
        <h2 id="doctor">Doctor</h2>
        <button type="button" class="button small" aria-disabled={busy.value} onClick={() => busy.value || void look()}>
          {busy.value ? 'Checking…' : output ? 'Check again' : 'Check it'}
        </button>
      </div>
      {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
      <p class="soft" role="status">
        {busy.value
          ? 'The hub asks the node, and the node looks at itself. That takes some seconds.'
          : output
            ? countsOf(output)
            : 'What is wrong with it, and what to do. Nothing is changed, and the link stays up.'}
      </p>
      {output ? (
        <ul class="checks">
          {output.checks.map((check) => (
            <li key={check.id}>
              <StatusMark look={looks[check.result]} />
              <strong>{plain(check.title)}</strong>
              <span class="found">
                <span>{plain(check.message)}</span>
                {check.remedy === null ? null : (
                  <span class="soft">
                    <Advice of={check.remedy} />
                  </span>
                )}
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function countsOf({ checks }: DoctorOutput): string {
  const count = (wanted: Check['result']): number => checks.filter(({ result }) => result === wanted).length;
  return `${plural(checks.length, 'check')}, ${plural(count('warn'), 'warning')}, ${count('fail')} failed`;
}
