import { expect, test } from 'vitest';
import { targetFindings, type TargetChecks } from '../../../src/plan/checks/check-target.ts';

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
