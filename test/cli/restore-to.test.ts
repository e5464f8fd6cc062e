import { expect, test } from 'vitest';
import { toOfOptions, type ToOptions } from '../../src/cli/restore-to.ts';

const to = (place: string, more: Partial<ToOptions> = {}) => toOfOptions({ to: place, format: 'raw', ...more });

test.each(['vspere:vcenter1', 'bogus:x', 'KVM:here', 'inPlace:vcenter1', 'https://example.com/x'])(
  '%s is no folder by mistake',
  (place) => {
    expect(() => to(place)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('no kind of target') as string }),
    );
    expect(to(`./${place}`)).toMatchObject({ directory: expect.stringContaining(place.split('/')[0] ?? '') as string });
  },
);

test('a folder may have a colon behind a slash', () => {
  expect(to('disks/of:today')).toMatchObject({ directory: expect.stringMatching(/\/disks\/of:today$/) as string });
});

test.each([
  ['device:disk-1=/dev/sdb,disk-1=/dev/sdc', {}, 'disk-1 twice'],
  ['vsphere:vc', { datastore: ['disk-0=a', '0=b'] }, 'disk-0 twice'],
  ['kvm:here', { network: ['VM Network=a', 'VM Network=b'] }, 'VM Network twice'],
] as const)('%s with %o names something twice', (place, more, said) => {
  expect(() => to(place, more)).toThrow(said);
});

test('--start judges in KVM and vSphere, by the signs that each has', () => {
  expect(to('vsphere:vc', { start: true })).toMatchObject({ vsphere: 'vc', start: true });
  expect(to('vsphere:vc', { start: true, inPlace: true })).toMatchObject({ inPlace: 'vc', start: true });
  expect(to('kvm:here', { start: true, agent: true })).toMatchObject({ start: { agent: true } });
  expect(() => to('vsphere:vc', { start: true, agent: true })).toThrow('--agent is for --to kvm:');
});
