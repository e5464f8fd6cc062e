import { SendenseError } from '../../errors/sendense-error.ts';
import { virsh } from './virsh.ts';

/** An agent that does not answer within this time does not answer. ms. */
const answerMs = 15_000;

/**
 * Where the guest of a domain has mounted file systems, by the names of their disks (sda, vdb), as its agent says; null: no agent answers.
 * The guest may say what it likes.
 */
export async function mountsInGuest(
  uri: string,
  uuid: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]> | null> {
  try {
    return mountsIn(await virsh(uri, ['guestinfo', uuid, '--filesystem'], { signal, timeoutMs: answerMs }));
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SendenseError && error.code === 'tool.failed') return null;
    throw error;
  }
}

/** Source: virsh(1), guestinfo. */
export function mountsIn(text: string): Map<string, string[]> {
  const said = new Map(
    [...text.matchAll(/^(fs\.[0-9.a-z]+) *: (.*)$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
  const mounts = new Map<string, string[]>();
  for (const [key, disk] of said) {
    const [, nth] = /^fs\.([0-9]+)\.disk\.[0-9]+\.alias$/.exec(key) ?? [];
    const place = said.get(`fs.${nth ?? ''}.mountpoint`);
    if (place !== undefined) mounts.set(disk, [...(mounts.get(disk) ?? []), place]);
  }
  return mounts;
}
