import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SendenseError } from '../../../../src/errors/sendense-error.ts';
import { chooseTransport } from '../../../../src/node/vsphere/transports/choose-transport.ts';
import type { TransportContext, TransportName } from '../../../../src/node/vsphere/transports/transport.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { someContext, someDisk } from './some-disk.ts';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const name of ['identity', 'known_hosts']) await writeFile(folder.file(name), 'x\n', { mode: 0o600 });
});
afterEach(() => folder[Symbol.asyncDispose]());

/** What ssh needs is there, and what vddk needs is not. */
const context = (transports: [TransportName, ...TransportName[]], signal?: AbortSignal): TransportContext => {
  const known = { identity: folder.file('identity'), known_hosts: folder.file('known_hosts') };
  const ssh = { host: 'esx1.example.com', port: 22, user: 'root', ...known };
  return someContext(folder.path, { transports, vddk: null, ssh }, { signal });
};

const fails =
  (code: 'vsphere.login' | 'transport.unavailable') =>
  async (name: TransportName): Promise<never> => {
    throw new SendenseError(code, `${name} is not let in`);
  };

test('one that cannot be opened is no choice: with a single one its own error says why', async () => {
  await expect(chooseTransport(context(['ssh']), [someDisk()], fails('vsphere.login'))).rejects.toMatchObject({
    code: 'vsphere.login',
    message: 'ssh is not let in',
  });
});

test('where none can be opened, each says why', async () => {
  const chosen = chooseTransport(context(['vddk', 'ssh']), [someDisk()], fails('vsphere.login'));
  await expect(chosen).rejects.toMatchObject({
    code: 'transport.unavailable',
    message: expect.stringMatching(/vddk: .*`vddk.libdir`.*; ssh: ssh is not let in/) as string,
    details: { tried: [{ name: 'vddk' }, { name: 'ssh' }] },
  });
});

test('what opened is handed over, with why not those before it', async () => {
  const opened: string[] = [];
  const choice = await chooseTransport(context(['vddk', 'ssh']), [someDisk()], async (name) => opened.push(name));
  expect(choice).toMatchObject({ name: 'ssh', opened: 1, tried: [{ name: 'vddk' }] });
  expect(opened).toEqual(['ssh']);
});

test('a job that ends meanwhile tries no other', async () => {
  const ending = new AbortController();
  const tried: string[] = [];
  const chosen = chooseTransport(context(['ssh', 'vddk'], ending.signal), [someDisk()], async (name) => {
    tried.push(name);
    ending.abort(new SendenseError('job.cancelled', 'enough'));
    throw new Error('the connection broke');
  });
  await expect(chosen).rejects.toMatchObject({ code: 'job.cancelled' });
  expect(tried).toEqual(['ssh']);
});
