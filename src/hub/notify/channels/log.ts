import { writeJournal, writeSyslog, type LogRecord } from '../../../host/net/syslog.ts';
import type { JournalChannel, NotifyMessage, SyslogChannel } from '../../../schemas/types.ts';
import type { ChannelKind } from '../channel.ts';

const severities: Readonly<Record<NotifyMessage['severity'], number>> = { critical: 3, warning: 4, ok: 5, info: 6 };

export const syslogChannel: ChannelKind<SyslogChannel> = {
  target: ({ address }) => address,
  hears: 'troubles',
  async send({ address, facility }, { message, signal }) {
    await writeSyslog(address, recordOf(message, facility), signal);
    return null;
  },
};

export const journalChannel: ChannelKind<JournalChannel> = {
  target: () => 'this machine',
  hears: 'troubles',
  async send(_channel, { message, signal }) {
    await writeJournal(recordOf(message, 'daemon'), signal);
    return null;
  },
};

/** Logs are never folded: a message is about one notice. */
function recordOf({ event, severity, subject, notices: [notice] }: NotifyMessage, facility: string): LogRecord {
  const fields = { event, plan: notice.plan, vm: notice.vm, repository: notice.repository, run: notice.run_id };
  return {
    severity: severities[severity],
    facility,
    kind: event,
    time: notice.time,
    text: subject,
    fields: Object.fromEntries(
      Object.entries(fields).flatMap(([name, value]) => (value === null || value === '*' ? [] : [[name, value]])),
    ),
  };
}
