import { basename, join, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Secret } from '../../schemas/types.ts';
import { runTool } from '../programs/process.ts';
import { readNamedFile } from '../files/named-file.ts';

/**
 * Reads the secret that a reference points to. The value must go nowhere but to where it is needed.
 * @param folder against which a relative `file` counts, and in which a `command` runs
 * @throws SendenseError `secret.unreadable`, naming the reference, never the value
 */
export async function readSecret(reference: Secret, folder: string, signal?: AbortSignal): Promise<string> {
  const { secret } = reference;
  const [how, read] = readerOf(secret, folder, signal);
  let value: string;
  try {
    value = (await read()).replace(/\r?\n$/, '');
  } catch (error) {
    signal?.throwIfAborted();
    const code = (error as NodeJS.ErrnoException).code;
    throw new SendenseError('secret.unreadable', `secret from ${how} cannot be read${code ? ` (${code})` : ''}`);
  }
  if (value === '') throw new SendenseError('secret.unreadable', `secret from ${how} is empty`);
  return value;
}

function readerOf(secret: Secret['secret'], folder: string, signal?: AbortSignal): [string, () => Promise<string>] {
  if (secret.file !== undefined) {
    const path = resolve(folder, secret.file);
    return [`file ${path}`, async () => (await readNamedFile(path)).toString('utf8')];
  }
  if (secret.env !== undefined) {
    const name = secret.env;
    return [`environment variable ${name}`, async () => fromEnvironment(name)];
  }
  if (secret.systemd !== undefined) {
    const name = basename(secret.systemd);
    return [
      `systemd credential ${name}`,
      async () =>
        (await readNamedFile(join(process.env['CREDENTIALS_DIRECTORY'] ?? '/nonexistent', name))).toString('utf8'),
    ];
  }
  const [file = '', ...args] = secret.command ?? [];
  return [
    `command ${file}`,
    async () => (await runTool(file, args, { cwd: folder, signal, timeoutMs: 30_000 })).stdout,
  ];
}

const taken = new Map<string, string>();

/** The environment as this process got it, with the secrets that it has read: only for processes of this very program. */
export const ownEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, ...Object.fromEntries(taken) });

/** Taken out of the environment on first use, so that no child of this process inherits it. */
function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value !== undefined) taken.set(name, value);
  delete process.env[name];
  return taken.get(name) ?? '';
}
