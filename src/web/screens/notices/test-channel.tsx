import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubNoticeTest, NotifyTestOutput } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { plain } from '../../design/text.tsx';

/** A channel has its own time limit. */
const patienceMs = 120_000;

/** Sends a message that says that it is a test, and says what became of it. */
export function TestChannel({ channel, onDone }: { readonly channel: string; onDone(): void }): JSX.Element {
  const busy = useSignal(false);
  const said = useSignal('');
  const send = async (): Promise<void> => {
    busy.value = true;
    said.value = '';
    const body: HubNoticeTest = { channel };
    const answer = await ask<NotifyTestOutput>('/api/v1/notices/test', { method: 'POST', body, patienceMs });
    busy.value = false;
    if (answer.ok === false) said.value = `${answer.trouble.message}. ${answer.trouble.remedy}`;
    if (answer.ok !== true) return;
    const sent = answer.body.channels.find((one) => one.channel === channel);
    said.value =
      sent?.ok === true ? `sent${sent.error === null ? '' : `: ${sent.error}`}` : (sent?.error ?? 'not sent');
    onDone();
  };
  return (
    <span class="test-channel">
      <button
        type="button"
        class="button small"
        aria-label={`Send a test to ${plain(channel)}`}
        aria-disabled={busy.value}
        onClick={() => busy.value || void send()}
      >
        {busy.value ? 'Sending…' : 'Send a test'}
      </button>
      <span role="status" class="soft">
        {plain(said.value)}
      </span>
    </span>
  );
}
