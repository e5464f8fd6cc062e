import type { Finding, Path } from '../../errors/findings/finding.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { inTheClear } from '../yaml/in-the-clear.ts';
import { shown } from '../../errors/findings/words.ts';

type Mapping = Readonly<Record<string, unknown>>;
const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

/**
 * Channels that a plan names and the settings do not have. `notify` may be anything: what the schema refuses is passed over.
 * @param known names of channels
 */
export function notifyFindings(notify: unknown, known: readonly string[], path: Path = ['notify']): Finding[] {
  if (Array.isArray(notify)) return entryFindings(notify, known, path);
  const { channels } = mapping(notify);
  return Array.isArray(channels) ? entryFindings(channels, known, [...path, 'channels']) : [];
}

const entryFindings = (entries: readonly unknown[], known: readonly string[], path: Path): Finding[] =>
  entries.flatMap((entry, index): Finding[] => {
    const { channel } = mapping(entry);
    if (typeof channel !== 'string' || known.includes(channel)) return [];
    return [
      {
        rule: 'settings/unknown-channel',
        at: { path: [...path, index, 'channel'], part: 'value' },
        message: `the settings have no channel ${shown(channel)}`,
        allowed: known,
        suggestion: didYouMean(channel, known),
      },
    ];
  });

/** `notify` of the settings. */
export function notifySettingsFindings(notify: unknown): Finding[] {
  const channels = mapping(mapping(notify)['channels']);
  const clear = clearPasswords(channels);
  const secrets = Object.entries(channels).flatMap(([name, channel]): Finding[] => {
    const { url, headers, plainHttp } = mapping(channel);
    if (plainHttp === true || typeof url !== 'string' || !inTheClear(url)) return [];
    const header = Object.entries(mapping(headers)).find(([, value]) => typeof value === 'object')?.[0];
    if (header === undefined && URL.parse(url)?.password === '') return [];
    return [
      {
        rule: 'settings/clear-secret',
        at: { path: ['notify', 'channels', name, 'url'], part: 'value' },
        message: `${header === undefined ? 'the password' : `the secret of header ${header}`} would go to ${URL.parse(url)?.host ?? ''} in the clear`,
      },
    ];
  });
  const entries = mapping(notify)['default'];
  const unknown = Array.isArray(entries) ? entryFindings(entries, Object.keys(channels), ['notify', 'default']) : [];
  return [...clear, ...secrets, ...unknown];
}

const clearPasswords = (channels: Mapping): Finding[] =>
  Object.entries(channels).flatMap(([name, channel]): Finding[] => {
    const { type, password, tls } = mapping(channel);
    if (type !== 'email' || password === undefined || (tls !== 'none' && tls !== 'opportunistic')) return [];
    return [
      {
        rule: 'settings/clear-password',
        at: { path: ['notify', 'channels', name, 'tls'], part: 'value' },
        message: `the password of channel ${shown(name)} could be sent without encryption`,
      },
    ];
  });
