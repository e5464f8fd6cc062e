import { readFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { sshCall } from '../../../src/host/ssh/call.ts';
import { fingerprintOf, makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { freePort } from '../../support/free-ports.ts';
import { startSshd } from '../../support/sshd.ts';
import { temporaryFolder } from '../temporary-folder.ts';

describe('one command over SSH', () => {
  test('gives standard input, takes standard output and exit code', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const privateKey = await readFile(sshd.keyFile);
    const call = (command: string, stdin = ''): Promise<unknown> =>
      sshCall({ server: sshd.server, privateKey, command, stdin });
    const long = 'ä\n'.repeat(200_000);
    expect(await call('cat; echo more >&2; exit 3', long)).toEqual({ stdout: long, exitCode: 3 });
    expect(await call('kill -9 $$')).toEqual({ stdout: '', exitCode: -1 });
    await expect(call('cat /dev/zero')).rejects.toMatchObject({ code: 'ssh.lost' });
  });

  test('another host key, another user key, nothing there: each has its error, and nothing is sent', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const privateKey = await readFile(sshd.keyFile);
    const { server } = sshd;
    const call = (changed: Partial<typeof server>, key: string | Buffer = privateKey): Promise<unknown> =>
      sshCall({ server: { ...server, ...changed }, privateKey: key, command: 'cat', stdin: 'x' });
    const other = makeKeyPair('other').publicKey;
    await expect(call({ hostKeys: [other] })).rejects.toMatchObject({
      code: 'ssh.host-key',
      message: expect.stringMatching(
        new RegExp([server.hostKeys[0]!, other].map((key) => RegExp.escape(fingerprintOf(key))).join('.*')),
      ) as string,
    });
    await expect(call({ hostKeys: [] })).rejects.toMatchObject({ code: 'ssh.host-key' });
    await expect(call({ hostKeys: ['ssh-ed25519 nonsense'] })).rejects.toMatchObject({ code: 'ssh.host-key' });
    expect(await call({ hostKeys: [other, ...server.hostKeys] })).toMatchObject({ stdout: 'x' });
    await expect(call({}, makeKeyPair('stranger').privateKey)).rejects.toMatchObject({ code: 'ssh.key' });
    await expect(call({}, 'no key')).rejects.toMatchObject({ code: 'ssh.key' });
    await expect(call({ port: await freePort() })).rejects.toMatchObject({
      code: 'ssh.unreachable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    await expect(call({ host: 'nowhere.invalid' })).rejects.toMatchObject({
      code: 'ssh.unreachable',
      message: expect.stringContaining('name is not known') as string,
    });
  });

  test('ends when it is told to, and when nobody answers', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const privateKey = await readFile(sshd.keyFile);
    const { server } = sshd;
    const stop = new AbortController();
    const reason = new Error('enough');
    const stopped = sshCall({ server, privateKey, command: 'sleep 60', stdin: '', signal: stop.signal });
    stopped.catch(() => {});
    await vi.waitUntil(() => sshd.sessions().length > 0, { timeout: 200_000 });
    stop.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    await expect(sshCall({ server, privateKey, command: 'sleep 60', stdin: '', timeoutMs: 500 })).rejects.toMatchObject(
      { code: 'ssh.unreachable', message: expect.stringContaining('0.5 s') as string },
    );
  });
});
