import { randomBytes } from 'node:crypto';
import { writeNewFile } from '../files/files.ts';
import { runTool } from '../programs/process.ts';
import { makeRunFolder, removeRunFolder } from '../programs/run-folder.ts';
import { makeKeyPair } from './keys.ts';

export interface SshdCheck {
  /** sshd's own configuration; default: that of the system. */
  readonly configFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `sshd -T -C user=…`: each key in lower case with its values. A key of its own for the call, because sshd wants to read
 * its host keys, which root alone can.
 */
export async function effectiveConfig(user: string, { configFile, signal }: SshdCheck): Promise<Map<string, string[]>> {
  const id = `sshd-${process.pid}-${randomBytes(4).toString('hex')}`;
  const folder = await makeRunFolder(id);
  try {
    const keyFile = `${folder}/key`;
    await writeNewFile(keyFile, makeKeyPair('').privateKey, 0o600);
    const { stdout } = await runTool(
      '/usr/sbin/sshd',
      [
        '-T',
        '-h',
        keyFile,
        '-C',
        `user=${user},host=localhost,addr=127.0.0.1`,
        ...(configFile === undefined ? [] : ['-f', configFile]),
      ],
      { signal, timeoutMs: 20_000 },
    );
    const values = new Map<string, string[]>();
    for (const line of stdout.split('\n')) {
      const [, key, value] = /^(\S+) (.*)$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) values.set(key, [...(values.get(key) ?? []), value]);
    }
    return values;
  } finally {
    await removeRunFolder(id);
  }
}
