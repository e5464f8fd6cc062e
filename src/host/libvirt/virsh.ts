import { SendenseError } from '../../errors/sendense-error.ts';
import { secretFile } from '../images/image-options.ts';
import { runTool, type RunToolOptions } from '../programs/process.ts';

export interface KnownDomain {
  readonly uuid: string;
  readonly name: string;
}

/** A libvirt that does not answer within this time is not there. ms. */
const answerMs = 20_000;

/** A VM may have a lot of memory. ms. */
const startMs = 300_000;

type Ask = Pick<RunToolOptions, 'signal' | 'secret' | 'timeoutMs' | 'allowFailure'>;

/** Where virsh finds the text of a domain. It opens a file: what `input` gives it is none. */
export const domainFile = secretFile;

/** Asks libvirt. @throws SendenseError `tool.failed`, `tool.missing` */
export async function virsh(uri: string, words: readonly string[], options: Ask = {}): Promise<string> {
  const { stdout } = await runTool('virsh', ['--quiet', '--connect', uri, ...words], {
    timeoutMs: answerMs,
    ...options,
  });
  return stdout;
}

/** Why libvirt does not answer there; null: it does. On abort the signal's reason is thrown. */
export async function whyNoLibvirt(uri: string, signal?: AbortSignal): Promise<string | null> {
  try {
    await virsh(uri, ['uri'], { signal });
    return null;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SendenseError) return error.message;
    throw error;
  }
}

/** All domains, also those that do not run. @throws SendenseError `tool.failed` */
export async function domainsAt(uri: string, signal?: AbortSignal): Promise<KnownDomain[]> {
  const text = await virsh(uri, ['list', '--all', '--uuid', '--name'], { signal });
  return text.split('\n').flatMap((line) => {
    const [, uuid, name] = /^\s*([0-9a-f-]{36})\s+(.+?)\s*$/.exec(line) ?? [];
    return uuid !== undefined && name !== undefined ? [{ uuid, name }] : [];
  });
}

/** Names of all networks, also of those that are not active. @throws SendenseError `tool.failed` */
export async function networksAt(uri: string, signal?: AbortSignal): Promise<string[]> {
  const text = await virsh(uri, ['net-list', '--all', '--name'], { signal });
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

/** What stands in the metadata of a domain below a namespace; null: nothing, or there is no such domain. @throws SendenseError `tool.failed` */
export async function metadataOf(
  uri: string,
  uuid: string,
  namespace: string,
  signal?: AbortSignal,
): Promise<string | null> {
  if (!(await domainsAt(uri, signal)).some((domain) => domain.uuid === uuid)) return null;
  try {
    return await virsh(uri, ['metadata', uuid, namespace], { signal });
  } catch (error) {
    if (error instanceof SendenseError && /metadata not found/i.test(error.message)) return null;
    throw error;
  }
}

/** `shut off`, `running`, `paused` and so on. @throws SendenseError `tool.failed` */
export const domainState = async (uri: string, uuid: string, signal?: AbortSignal): Promise<string> =>
  (await virsh(uri, ['domstate', uuid], { signal })).trim();

/** Why libvirt does not take a definition, which it is not asked to keep; null: it does. */
export async function whyNotTaken(uri: string, xml: string): Promise<string | null> {
  try {
    await virsh(uri, ['domxml-to-native', 'qemu-argv', domainFile], { secret: xml });
    return null;
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'tool.failed') return error.message;
    throw error;
  }
}

/** In place of a definition with the same uuid, if there is one: look before. @throws SendenseError `tool.failed` */
export async function defineDomain(uri: string, xml: string, signal?: AbortSignal): Promise<void> {
  await virsh(uri, ['define', domainFile], { signal, secret: xml });
}

/** Its files stay. @throws SendenseError `tool.failed` */
export async function undefineDomain(uri: string, uuid: string, signal?: AbortSignal): Promise<void> {
  await virsh(uri, ['undefine', uuid, '--keep-nvram'], { signal });
}

/** The bridge of a network; null: it has none. @throws SendenseError `tool.failed` */
export async function bridgeOfNetwork(uri: string, name: string, signal?: AbortSignal): Promise<string | null> {
  const text = await virsh(uri, ['net-info', '--network', name], { signal });
  return /^Bridge:\s+(\S+)\s*$/m.exec(text)?.[1] ?? null;
}

/** Switches it on, and holds it before its first instruction. @throws SendenseError `tool.failed` */
export async function startPaused(uri: string, uuid: string, signal?: AbortSignal): Promise<void> {
  await virsh(uri, ['start', uuid, '--paused'], { signal, timeoutMs: startMs });
}

/** Lets it go on. @throws SendenseError `tool.failed` */
export async function resumeDomain(uri: string, uuid: string, signal?: AbortSignal): Promise<void> {
  await virsh(uri, ['resume', uuid], { signal });
}

/** Writes what its screen shows, as PNG or PPM. @throws SendenseError `tool.failed` */
export async function pictureOfDomain(uri: string, uuid: string, file: string, signal?: AbortSignal): Promise<void> {
  await virsh(uri, ['screenshot', uuid, file], { signal });
}

/** Seconds that the agent of a guest has to answer. */
const agentSeconds = '2';

/** Whether the QEMU guest agent in it answers. */
export async function domainAgentAnswers(uri: string, uuid: string, signal?: AbortSignal): Promise<boolean> {
  const ask = ['qemu-agent-command', uuid, '{"execute":"guest-ping"}', '--timeout', agentSeconds];
  try {
    await virsh(uri, ask, { signal });
    return true;
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'tool.failed') return false;
    throw error;
  }
}
