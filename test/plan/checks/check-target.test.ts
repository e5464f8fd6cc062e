import { expect, test } from 'vitest';
import { targetFindings, targetSettingsFindings, type TargetChecks } from '../../../src/plan/checks/check-target.ts';

const known: Readonly<Record<string, TargetChecks>> = {
  directory: { findings: () => [], settingsFindings: null, besideFiles: { noMeaning: ['format'] } },
  device: { findings: () => [], settingsFindings: null, besideFiles: null },
};

test('files that go to a target for disks only are told before anything runs', () => {
  expect(targetFindings({ device: '/dev/vdb' }, true, known)).toEqual([
    {
      rule: 'restore/no-meaning',
      at: { path: ['files'] },
      message: 'files cannot go to a target of kind device: it takes whole disks',
      remedy: 'Write `to: { directory: FOLDER }`, or remove `files`.',
    },
  ]);
  expect(targetFindings({ device: '/dev/vdb' }, false, known)).toEqual([]);
});

test('keys about disks have no meaning beside files', () => {
  const to = { directory: './restored', format: 'raw' };
  expect(targetFindings(to, true, known).map(({ message }) => message)).toEqual([
    'to.format has no meaning beside files',
  ]);
  expect(targetFindings(to, false, known)).toEqual([]);
});

test('a source and a node that the settings do not have are told, with those that there are', () => {
  const names = { vspheres: ['vcenter1'], nodes: ['local'] };
  expect(targetSettingsFindings({ vsphere: 'vcenter1', node: 'local' }, names)).toEqual([]);
  expect(targetSettingsFindings({ vsphere: 'images', node: 'locale' }, names)).toMatchObject([
    { rule: 'settings/unknown-source', at: { path: ['to', 'vsphere'] }, allowed: ['vcenter1'] },
    { rule: 'settings/unknown-node', at: { path: ['to', 'node'] }, suggestion: 'local' },
  ]);
  expect(targetSettingsFindings({ directory: './out' }, names)).toEqual([]);
});
