import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { connectVsphere } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
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

const now = Math.floor(Date.now() / 1000) * 1000;
const recently = (hours: number): number => now - hours * hour;

it('is the newest one, in our clock', async () => {
  events = [
    { at: recently(30), what: 'VirtualMachine.revertToCurrentSnapshot' },
    { at: recently(20), what: 'vm.Snapshot.revert' },
    { at: recently(10), what: 'VirtualMachine.createSnapshot' },
  ];
  expect(await lastRevert(vsphere, vm, 0)).toEqual({
    last: recently(20),
    knownSince: recently(30),
    unreadable: null,
  });
  expect(await lastRevert(vsphere, vm, hour)).toMatchObject({ last: recently(21), knownSince: recently(31) });
});

it('is null where there was none, or where it is too long ago to matter', async () => {
  expect(await lastRevert(vsphere, vm, 0)).toEqual({ last: null, knownSince: null, unreadable: null });
  events = [
    { at: recently(60 * 24), what: 'vm.Snapshot.revert' },
    { at: recently(1), what: 'VirtualMachine.removeSnapshot' },
  ];
  expect(await lastRevert(vsphere, vm, 0)).toEqual({ last: null, knownSince: recently(1), unreadable: null });
});

it('is found behind thousands of other events', async () => {
  events = Array.from({ length: 2500 }, (_, index) => ({
    at: recently(100) + index * 1000,
    what: 'VirtualMachine.createSnapshot',
  }));
  const at = recently(90);
  events.push({ at, what: 'vm.Snapshot.revert' });
  expect(await lastRevert(vsphere, vm, 0)).toMatchObject({ last: at, knownSince: recently(100) });
  expect(server.asked.filter(({ method }) => method === 'QueryEvents')).toHaveLength(3);
});

it('is not known to be none where there are more events than can be looked through', async () => {
  events = Array.from({ length: 12_000 }, (_, index) => ({
    at: recently(100) + index * 1000,
    what: 'VirtualMachine.createSnapshot',
  }));
  expect(await lastRevert(vsphere, vm, 0)).toEqual({ last: null, knownSince: null, unreadable: null });
});

it('is known of from the oldest event of an ESXi host on, which keeps those of tasks nowhere', async () => {
  const host = { ...vsphere, about: { ...vsphere.about, apiType: 'HostAgent' as const } };
  const { script } = server;
  server.script = ({ method, body }) =>
    method !== 'QueryEvents'
      ? undefined
      : body.includes('<entity>')
        ? answer(method, '')
        : answer(
            method,
            `<returnval xsi:type="EventEx"><createdTime>${new Date(recently(50)).toISOString()}</createdTime><eventTypeId>esx.audit.host.boot</eventTypeId></returnval>`,
          );
  expect(await lastRevert(host, vm, 0)).toEqual({ last: null, knownSince: recently(50), unreadable: null });
  server.script = script;
});

it('says why nothing is known where events may not be read', async () => {
  const { script } = server;
  server.script = () => fault('NoPermission');
  expect(await lastRevert(vsphere, vm, 0)).toEqual({
    last: null,
    knownSince: null,
    unreadable: expect.stringContaining('NoPermission') as string,
  });
  server.script = script;
});
