import { describe, expect, it } from 'vitest';
import { allocatedAreas, queryChangedAreas, type TrackedDisk } from '../../../src/node/vsphere/changed-areas.ts';
import type { SoapArg } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { faultError } from '../../../src/node/vsphere/fault.ts';
import { at, parseXml } from '../../../src/node/vsphere/xml.ts';
import { SendenseError } from '../../../src/errors/sendense-error.ts';

const epoch = '52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63';
const GiB = 1024 ** 3;
const disk = { key: 255511522, capacity_bytes: 4 * GiB, change_id: `${epoch}/9` };
const tracked: TrackedDisk = {
  vm: { type: 'VirtualMachine', value: 'vm-1' },
  snapshot: { type: 'VirtualMachineSnapshot', value: 'snapshot-2' },
  disk,
};

type Reply = string | Error;
/** Fields of an InvalidArgument and the like, as XML. */
const fault = (type: string, inner = ''): Error =>
  faultError(
    'QueryChangedDiskAreas',
    at(
      parseXml(`<f xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><x xsi:type="${type}">${inner}</x></f>`),
      'x',
    ),
    'Error caused by file',
  );
const cbtFault = (key: string): Error =>
  fault('FileFault', `<faultMessage><key>vim.hostd.vmsvc.cbt.${key}</key></faultMessage><file>[ds] a.vmdk</file>`);
const page = (
  start: number | string,
  length: number | string,
  ...areas: [number | string, number | string][]
): string =>
  `<returnval><startOffset>${start}</startOffset><length>${length}</length>${areas
    .map(([at_, bytes]) => `<changedArea><start>${at_}</start><length>${bytes}</length></changedArea>`)
    .join('')}</returnval>`;

function server(...replies: Reply[]) {
  const asked: Record<string, unknown>[] = [];
  const vsphere = {
    call: (_method: string, _self: unknown, args: readonly SoapArg[]) => {
      asked.push(Object.fromEntries(args));
      const reply = replies.shift() ?? new Error('asked too much');
      return typeof reply === 'string' ? Promise.resolve(parseXml(reply)) : Promise.reject(reply);
    },
  } as unknown as Vsphere;
  return { asked, vsphere };
}
const query = (vsphere: Vsphere, since = `${epoch}/3`) => queryChangedAreas(vsphere, tracked, since, { delay: 1 });

describe('changed areas', () => {
  it('are asked with the key of the snapshot and the change id as it was stored', async () => {
    const { vsphere, asked } = server(page(0, GiB, [65536, 65536]), page(GiB, 3 * GiB));
    expect(await query(vsphere)).toEqual({ areas: [{ offset: 65536, length: 65536 }] });
    expect(asked).toEqual([
      { snapshot: tracked.snapshot, deviceKey: 255511522, startOffset: 0, changeId: `${epoch}/3` },
      { snapshot: tracked.snapshot, deviceKey: 255511522, startOffset: GiB, changeId: `${epoch}/3` },
    ]);
  });

  it('are not asked where tracking began anew', async () => {
    const { vsphere, asked } = server();
    expect(await query(vsphere, '11 22 33 44 55 66 77 88-99 00 aa bb cc dd ee ff/3')).toMatchObject({
      reset: expect.stringContaining('began anew'),
    });
    expect(asked).toEqual([]);
  });

  it('are not asked where the snapshot shows no change id', async () => {
    const { vsphere } = server();
    const untracked = { ...tracked, disk: { ...disk, change_id: null } };
    expect(await queryChangedAreas(vsphere, untracked, `${epoch}/3`)).toHaveProperty('reset');
  });

  it.each([
    ['noTrack', 'did not keep track'],
    ['noEpoch', "last backup's moment"],
    ['cannotGetChanges', 'cannot tell what changed'],
  ])('are a reset at once on %s', async (key, reason) => {
    const { vsphere, asked } = server(page(0, GiB), cbtFault(key));
    expect(await query(vsphere)).toMatchObject({ reset: expect.stringContaining(reason) });
    expect(asked).toHaveLength(2);
  });

  it('are a reset in words, whatever key a server makes up', async () => {
    const { vsphere } = server(
      cbtFault('constructor'),
      cbtFault('constructor'),
      cbtFault('constructor'),
      cbtFault('constructor'),
    );
    expect(await query(vsphere)).toMatchObject({ reset: expect.any(String) });
  });

  it('are a reset where the change id is refused', async () => {
    const { vsphere, asked } = server(fault('InvalidArgument', '<invalidProperty>changeId</invalidProperty>'));
    expect(await query(vsphere)).toMatchObject({ reset: expect.stringContaining('change id') });
    expect(asked).toHaveLength(1);
  });

  it.each(['deviceKey', 'startOffset'])('are an error where the %s is refused', async (property) => {
    const { vsphere } = server(fault('InvalidArgument', `<invalidProperty>${property}</invalidProperty>`));
    await expect(query(vsphere)).rejects.toMatchObject({ details: { property } });
  });

  it('are asked again after a passing fault of a file', async () => {
    const busy = fault('FileLocked', '<file>[ds] a.vmdk</file>');
    const { vsphere, asked } = server(busy, fault('FileFault'), busy, page(0, 4 * GiB, [0, 1]));
    expect(await query(vsphere)).toEqual({ areas: [{ offset: 0, length: 1 }] });
    expect(asked).toHaveLength(4);
  });

  it('are a reset with its reason where the fault does not pass', async () => {
    const locked = (): Error => fault('FileLocked', '<file>[ds] a.vmdk</file>');
    const { vsphere, asked } = server(locked(), locked(), locked(), locked());
    expect(await query(vsphere)).toMatchObject({ reset: expect.stringContaining('FileLocked') });
    expect(asked).toHaveLength(4);
  });

  it('are not known where the server gives no answer: the disk can be read all the same', async () => {
    const { vsphere, asked } = server(new SendenseError('vsphere.unreachable', 'away'));
    expect(await query(vsphere)).toEqual({ reset: 'vSphere gave no answer: away' });
    // The call itself was repeated already.
    expect(asked).toHaveLength(1);
  });

  it('begin anew where the sequence of change ids fell', async () => {
    const { vsphere, asked } = server();
    const found = await query(vsphere, `${epoch}/10`);
    expect(found).toMatchObject({ reset: expect.stringContaining('went back') });
    expect(asked).toHaveLength(0);
  });

  it.each(['NoPermission', 'ManagedObjectNotFound'])('are an error, no reset, on %s', async (name) => {
    const { vsphere, asked } = server(fault(name));
    await expect(query(vsphere)).rejects.toMatchObject({ details: { fault: name } });
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['beyond 2^53', page(0, '9007199254740993')],
    ['not numbers', page(0, '1e5')],
    ['missing', '<returnval><startOffset>0</startOffset></returnval>'],
    ['of another place', page(GiB, GiB)],
  ])('are an error where numbers are %s', async (_what, reply) => {
    await expect(query(server(reply).vsphere)).rejects.toMatchObject({ code: expect.stringContaining('protocol') });
  });

  it('stop at once when the job is cancelled', async () => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const vsphere = {
      call: () => {
        abort.abort(reason);
        return Promise.reject(fault('FileFault'));
      },
    } as unknown as Vsphere;
    await expect(
      queryChangedAreas(vsphere, tracked, `${epoch}/3`, { signal: abort.signal, delay: 60_000 }),
    ).rejects.toBe(reason);
  });
});

describe('allocated areas', () => {
  it('are asked with a star', async () => {
    const { vsphere, asked } = server(page(0, 4 * GiB, [0, GiB]));
    expect(await allocatedAreas(vsphere, tracked)).toEqual([{ offset: 0, length: GiB }]);
    expect(asked[0]).toMatchObject({ changeId: '*' });
  });

  it.each<[string, Reply[]]>([
    ['says the whole disk', [page(0, GiB, [0, GiB]), page(GiB, 3 * GiB, [GiB, 3 * GiB])]],
    ['faults', [fault('FileFault')]],
    ['does not cover the disk', [page(0, 0)]],
  ])('are not known where the server %s', async (_what, replies) => {
    expect(await allocatedAreas(server(...replies).vsphere, tracked)).toBeNull();
  });
});

// The bench holds the figure, one second; other tests run beside this one.
it('20,000 changed areas are asked and parsed in moments', async () => {
  const perPage = 2000;
  const grain = 65536;
  const pages = Array.from({ length: 10 }, (_, number) => {
    const start = number * perPage * 2 * grain;
    const areas = Array.from({ length: perPage }, (__, at_): [number, number] => [start + at_ * 2 * grain, grain]);
    return page(start, perPage * 2 * grain, ...areas);
  });
  const big = { ...tracked, disk: { ...disk, capacity_bytes: 20_000 * 2 * grain } };
  const { vsphere } = server(...pages);
  const before = performance.now();
  const answer = await queryChangedAreas(vsphere, big, `${epoch}/3`);
  expect(performance.now() - before).toBeLessThan(20_000);
  expect('areas' in answer && answer.areas.length).toBe(20_000);
});
