import { expect, test } from 'vitest';
import { vsphereSpec } from '../../../src/sources/vsphere/vsphere-spec.ts';
import { placeOf, sourceSpecOf } from '../../../src/steps/at-node/source-spec.ts';
import { bytesPerSecond, tuningOf } from '../../../src/steps/at-node/transfer-limits.ts';
import type { NodeTransferInput, Settings, VsphereSourceSettings } from '../../../src/schemas/types.ts';

const source: VsphereSourceSettings = {
  type: 'vsphere',
  host: 'vcenter.example.com:8443',
  user: 'backup',
  password: { secret: { file: './p' } },
  transports: ['vddk', 'https', 'ssh'],
};
const vsphereSpecOf = (
  name: string,
  settings: VsphereSourceSettings,
  folder: string,
  vm: Parameters<typeof vsphereSpec>[1] = { name: '' },
) => vsphereSpec(settings, vm, placeOf(name, folder));
const folders = { plan: '/plans', settings: '/etc/sendense' };
const settings = { sources: { production: source } } as unknown as Settings;

test('a VM of vSphere gets the defaults, and no secret', () => {
  const spec = sourceSpecOf({ name: 'pgtest1', path: '/DC1/vm/pgtest1' }, settings, folders);
  expect(spec).toMatchObject({
    type: 'vsphere',
    name: 'production',
    host: 'vcenter.example.com',
    port: 8443,
    user: 'backup',
    path: '/DC1/vm/pgtest1',
    quiesce: 'try',
    cbt: 'auto',
    foreign_snapshots: 'refuse',
    // Of the default ones, what is configured.
    transports: ['https'],
    disks_per_host: 8,
  });
  expect(JSON.stringify(spec)).not.toContain('secret');
});

test("a credential takes the place of user and password, the plan's before the source's", () => {
  const { user: _user, password: _password, ...rest } = source;
  const bare = { ...rest, credential: 'one' };
  expect(vsphereSpecOf('x', bare, '/', { name: 'a' })).toMatchObject({ credential: 'one', user: '' });
  expect(vsphereSpecOf('x', bare, '/', { name: 'a', credential: 'two' })).toMatchObject({ credential: 'two' });
  expect(() => vsphereSpecOf('x', rest, '/')).toThrow(/neither user and password nor a credential/);
});

test('a fixed transport must be configured', () => {
  expect(vsphereSpecOf('x', source, '/', { name: 'a', transport: 'https' }).transports).toEqual(['https']);
  expect(() => vsphereSpecOf('x', source, '/', { name: 'a', transport: 'vddk' })).toThrow(/no vddk section/);
  expect(() => vsphereSpecOf('x', { ...source, transports: ['ssh'] }, '/')).toThrow(/none of the transports/);
});

test.each(['a:b:c', 'host:0', 'host:65536', '[vcenter]:443'])('%s is no address', (host) => {
  expect(() => vsphereSpecOf('x', { ...source, host }, '/')).toThrow(
    /^source x: ("a:b:c" is not host or host:port|there is no port|"vcenter" is no IPv6)/,
  );
});

test('a ca file is read from beside the settings, and named where it cannot be', () => {
  expect(() => vsphereSpecOf('x', { ...source, ca: 'nothing.pem' }, '/nonexistent')).toThrow(
    /\/nonexistent\/nothing.pem cannot be read/,
  );
});

test('rates are bytes per second, and the lower of plan and source counts', () => {
  expect([bytesPerSecond('50MiB'), bytesPerSecond('1GiB'), bytesPerSecond('7KiB'), bytesPerSecond(undefined)]).toEqual([
    50 * 1024 ** 2,
    1024 ** 3,
    7168,
    undefined,
  ]);
  const spec = vsphereSpecOf('production', source, '/', { name: 'a' });
  const input = { source: spec, limits: { diskRate: '50MiB', disksAtOnce: 4 } } as unknown as NodeTransferInput;
  const limited = { sources: { production: { ...source, limits: { diskRate: '10MiB', jobRate: '20MiB' } } } };
  expect(tuningOf(input, limited as unknown as Settings, 90)).toMatchObject({
    reconnect_seconds: 90,
    disk_rate: 10 * 1024 ** 2,
    job_rate: 20 * 1024 ** 2,
    disks_at_once: 4,
  });
  expect(tuningOf({ ...input, limits: {} }, settings, 0)).toEqual({ connections: 4, requests: 64 });
});
