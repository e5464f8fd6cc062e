import { expect, test } from 'vitest';
import { remoteHub } from '../../../src/cli/remote/remote-hub.ts';
import type { HubConnection } from '../../../src/cli/remote/hub-connection.ts';
import { detachKvmDisks, listAttachedKvm } from '../../../src/hub/routes/acts/attached-kvm.ts';
import { detachDisks, listAttached } from '../../../src/hub/routes/acts/attached.ts';
import { receiverOf } from '../../../src/hub/acts/remote-targets.ts';
import type { AttachedDisk } from '../../../src/schemas/types.ts';

const answer = { version: 1, source: 'vcenter1', disks: [] };

/** A call of a route, as far as these routes look at it. */
const called = (more: object) => {
  const asked: (readonly string[])[] = [];
  const parts = {
    hub: { settings: { sources: { vcenter1: {} } } },
    askCommand: async (words: readonly string[]) => (asked.push(words), answer),
  };
  const caller = { identity: 'anna' };
  const call = {
    parts,
    caller,
    params: { name: 'vcenter1' },
    query: {},
    signal: new AbortController().signal,
    ...more,
  };
  return { asked, call: call as never };
};

test('the API lists and detaches by the command, whatever a VM is called', async () => {
  const list = called({ query: { vm: '--help', node: 'site-b' } });
  expect(await listAttached.handle(list.call)).toBe(answer);
  expect(list.asked).toEqual([['attach', 'list', '--node=site-b', '--vm=--help', '--', 'vcenter1']]);
  const detach = called({ body: { vm: 'vm-33', disks: ['6000C29e-1', '6000C29e-2'] } });
  await detachDisks.handle(detach.call);
  expect(detach.asked).toEqual([
    [
      'detach',
      '--from=vsphere:vcenter1',
      '--node=local',
      '--id=6000C29e-1',
      '--id=6000C29e-2',
      '--all',
      '--yes',
      '--',
      'vm-33',
    ],
  ]);
  const kvm = called({ query: { vm: '--help' } });
  expect(await listAttachedKvm.handle(kvm.call)).toBe(answer);
  expect(kvm.asked).toEqual([['attach', 'list', '--libvirt=qemu:///system', '--vm=--help', '--', 'kvm:']]);
  const unknown = called({ query: { libvirt: 'qemu+ssh://elsewhere/system' } });
  await expect(async () => listAttachedKvm.handle(unknown.call)).rejects.toMatchObject({ code: 'request.invalid' });
  const taken = called({ body: { vm: '11111111-2222-4333-8444-555555555555', disks: ['sendense-0123456789a'] } });
  await detachKvmDisks.handle(taken.call);
  expect(taken.asked).toEqual([
    [
      'detach',
      '--from=kvm:',
      '--libvirt=qemu:///system',
      '--id=sendense-0123456789a',
      '--all',
      '--yes',
      '--',
      '11111111-2222-4333-8444-555555555555',
    ],
  ]);
  const other = called({ params: { name: 'none' } });
  await expect(async () => listAttached.handle(other.call)).rejects.toMatchObject({ code: 'source.missing' });
});

test('from another machine the same is asked over HTTP', async () => {
  const asked: unknown[] = [];
  const connection = { ask: async (...what: unknown[]) => (asked.push(what), answer) } as unknown as HubConnection;
  const { attached } = remoteHub(connection);
  await attached.list({ place: { kind: 'vsphere', source: 'vcenter1' }, vm: 'pgtest1' });
  const disk = { id: '6000C29e-1', moref: 'vm-33' } as AttachedDisk;
  await attached.detach({ place: { kind: 'vsphere', source: 'vcenter1' }, disks: [disk], forget: true });
  const domain = { id: 'sendense-0123456789a', moref: '11111111-2222-4333-8444-555555555555' } as AttachedDisk;
  await attached.list({ place: { kind: 'kvm', libvirt: 'qemu:///session' }, vm: 'web1' });
  await attached.detach({ place: { kind: 'kvm' }, disks: [domain] });
  expect(asked).toEqual([
    ['/api/v1/sources/vcenter1/attached', { query: { vm: 'pgtest1', node: undefined } }],
    [
      '/api/v1/sources/vcenter1/detach',
      { method: 'POST', body: { vm: 'vm-33', disks: ['6000C29e-1'], forget: true, node: undefined } },
    ],
    ['/api/v1/kvm/attached', { query: { vm: 'web1', libvirt: 'qemu:///session' } }],
    [
      '/api/v1/kvm/detach',
      { method: 'POST', body: { vm: domain.moref, disks: [domain.id], forget: undefined, libvirt: undefined } },
    ],
  ]);
});

test('which other VM a restore changes: by its name, or unknown where an id names it', () => {
  const named = (to: object) => receiverOf(to as Record<string, unknown>);
  expect(named({ attachKvm: 'web1' })).toEqual({ named: 'web1', name: 'web1' });
  expect(named({ attach: 'vcenter1', vm: '/DC1/vm/pay/roll%2f1' })).toEqual({
    named: '/DC1/vm/pay/roll%2f1',
    name: 'roll%2f1',
  });
  for (const id of ['vm-33', '12', '11111111-2222-4333-8444-555555555555'])
    expect(named({ attach: 'vcenter1', vm: id })).toEqual({ named: id, name: null });
  for (const to of [{ attach: 'vcenter1' }, { directory: '/x' }, { inPlace: 'vcenter1' }]) expect(named(to)).toBeNull();
});
