import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { inTheClear } from '../../plan/yaml/in-the-clear.ts';
import { readSecret } from '../../host/system/secret.ts';
import type { NotifyMessage, Secret, Settings } from '../../schemas/types.ts';
import { maskSecrets } from '../../steps/command/mask-secrets.ts';
import { readNamedFile } from '../../host/files/named-file.ts';

/** A channel as the settings have it. */
export type ChannelSettings = Settings['notify']['channels'][string];

/** A kind of channel. `channels/index.ts` lists them. */
export interface ChannelKind<Channel> {
  /** Where its messages go, for people. Never a secret. */
  target(channel: Channel): string;
  /** troubles: all but `started` and `success`, unless `on` names events. runs: how runs begin and end, and nothing else. */
  readonly hears: 'troubles' | 'runs';
  readonly send: Send<Channel>;
}

/** What a channel is given to send, and what it may ask for. */
export interface Sending {
  readonly message: NotifyMessage;
  /** Ends with the time limit of the attempt too. */
  readonly signal: AbortSignal;
  /** Of the settings. */
  readonly folder: string;
  readonly secrets: ChannelSecrets;
}

/** Sends one message; answers what was not quite right, else null. */
type Send<Channel> = (channel: Channel, sending: Sending) => Promise<string | null>;

/** Reads the secrets of a channel, and hides them wherever something of it is shown. */
export interface ChannelSecrets {
  read(value: string | Secret): Promise<string>;
  /** Takes a value for a secret from now on. */
  hide(value: string): void;
  mask(text: string): string;
}

/** A shorter one would hide half of all words. */
const shortestSecret = 4;

export function channelSecrets(folder: string, signal: AbortSignal): ChannelSecrets {
  const values = new Set<string>();
  const read = new Map<string, Promise<string>>();
  const hide = (value: string): void => {
    if (value.length >= shortestSecret) values.add(value);
  };
  return {
    hide,
    async read(value) {
      if (typeof value === 'string') return value;
      const key = JSON.stringify(value);
      const reading = read.get(key) ?? readSecret(value, folder, signal);
      read.set(key, reading);
      const secret = await reading;
      hide(secret);
      return secret;
    },
    mask(text) {
      const mask = maskSecrets([...values]);
      return mask.add(text) + mask.end();
    },
  };
}

/**
 * The address of a webhook or ping; one from a secret is hidden, and its path too, which alone gives it away.
 * @throws SendenseError `notify.failed` where it would be sent in the clear
 */
export async function readUrl(
  { url, plainHttp }: { readonly url: string | Secret; readonly plainHttp: boolean },
  secrets: ChannelSecrets,
): Promise<string> {
  const address = await secrets.read(url);
  if (typeof url === 'string') return address;
  if (!plainHttp && inTheClear(address))
    throw new SendenseError('notify.failed', 'its url is a secret, and http:// would send it in the clear', {
      remedy: 'Use an https:// address, or write plainHttp: true for a network that you trust.',
    });
  const { pathname, search } = URL.parse(address) ?? { pathname: '', search: '' };
  for (const part of [pathname, search]) if (part.length > 1) secrets.hide(part);
  return address;
}

/** The host of an address that is no secret. */
export const hostOf = (url: string | Secret): string =>
  typeof url === 'string' ? (URL.parse(url)?.host ?? '') : 'a secret address';

/** @throws SendenseError `file.unreadable` */
export async function readAuthority(file: string | undefined, folder: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const path = resolve(folder, file);
  try {
    return (await readNamedFile(path)).toString('utf8');
  } catch (error) {
    throw new SendenseError('file.unreadable', `ca ${path}: ${(error as Error).message}`, { cause: error });
  }
}
