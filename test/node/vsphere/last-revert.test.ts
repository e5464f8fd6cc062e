import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { connectVsphere, type Vsphere } from '../../../src/node/vsphere/connect.ts';
import { lastRevert } from '../../../src/node/vsphere/last-revert.ts';
import { answer, fault, startScriptedServer, type ScriptedServer } from './scripted-server.ts';

const vm = { type: 'VirtualMachine', value: 'vm-1' };
const hour = 3_600_000;
let server: ScriptedServer;
let vsphere: Vsphere;
let events: { readonly at: number; readonly what: string }[];

/** A server with a list of events, which gives at most a thousand of them. */
beforeAll(async () => {
  server = await startScriptedServer();
  vsphere = await connectVsphere({
    host: '127.0.0.1',
    port: server.port,
    user: 'u',
    password: 'p-w',
    thumbprint: server.thumbprint,
    ca: null,
  });
  server.script = ({ method, body }) => {
    if (method !== 'QueryEvents') return undefined;
    const from = Date.parse(/<beginTime>([^<]*)/.exec(body)?.[1] ?? '');
    return answer(
      method,
      events
        .filter(({ at }) => at >= from)
        .slice(0, 1000)
        .map(
          ({ at, what }) =>
            `<returnval xsi:type="TaskEvent"><createdTime>${new Date(at).toISOString()}</createdTime><info><descriptionId>${what}</descriptionId></info></returnval>`,
        )
        .join(''),
    );
  };
});
beforeEach(() => {
  events = [];
  server.asked.length = 0;
});
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const recently = (hours: number): number => Math.floor(Date.now() / 1000) * 1000 - hours * hour;

it('is the newest one, in our clock', async () => {
  events = [
    { at: recently(30), what: 'VirtualMachine.revertToCurrentSnapshot' },
    { at: recently(20), what: 'vm.Snapshot.revert' },
    { at: recently(10), what: 'VirtualMachine.createSnapshot' },
  ];
  expect(await lastRevert(vsphere, vm, 0)).toBe(recently(20));
  expect(await lastRevert(vsphere, vm, hour)).toBe(recently(21));
});

it('is null where there was none, or where it is too long ago to matter', async () => {
  expect(await lastRevert(vsphere, vm, 0)).toBeNull();
  events = [
    { at: recently(60 * 24), what: 'vm.Snapshot.revert' },
    { at: recently(1), what: 'VirtualMachine.removeSnapshot' },
  ];
  expect(await lastRevert(vsphere, vm, 0)).toBeNull();
});

it('is found behind thousands of other events', async () => {
  events = Array.from({ length: 2500 }, (_, index) => ({
    at: recently(100) + index * 1000,
    what: 'VirtualMachine.createSnapshot',
  }));
  const at = recently(90);
  events.push({ at, what: 'vm.Snapshot.revert' });
  expect(await lastRevert(vsphere, vm, 0)).toBe(at);
  expect(server.asked.filter(({ method }) => method === 'QueryEvents')).toHaveLength(3);
});

it('is null where events may not be read', async () => {
  const { script } = server;
  server.script = () => fault('NoPermission');
  expect(await lastRevert(vsphere, vm, 0)).toBeNull();
  server.script = script;
});
