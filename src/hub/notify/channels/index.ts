import type { ChannelKind, ChannelSettings } from '../channel.ts';
import { commandChannel } from './command.ts';
import { emailChannel } from './email.ts';
import { journalChannel, syslogChannel } from './log.ts';
import { pingChannel } from './ping.ts';
import { webhookChannel } from './webhook.ts';

type ChannelType = ChannelSettings['type'];
type ChannelOf<T extends ChannelType> = Extract<ChannelSettings, { readonly type: T }>;

/** Every kind of channel. A new one is added to `schemas/settings.json` and here. */
const kinds: { readonly [T in ChannelType]: ChannelKind<ChannelOf<T>> } = {
  email: emailChannel,
  webhook: webhookChannel,
  command: commandChannel,
  ping: pingChannel,
  syslog: syslogChannel,
  journal: journalChannel,
};

export const kindOf = ({ type }: ChannelSettings): ChannelKind<ChannelSettings> =>
  kinds[type] as ChannelKind<ChannelSettings>;
