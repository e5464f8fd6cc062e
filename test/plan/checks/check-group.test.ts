import { expect, test } from 'vitest';
import { groupFindings } from '../../../src/plan/checks/check-group.ts';
import type { GroupPlan, Settings } from '../../../src/schemas/types.ts';

const settings = {
  repositories: { primary: { path: './repository' } },
  sources: { images: { type: 'image', vms: { pgtest1: { disks: [{ path: 'a.raw' }] } } } },
} as unknown as Settings;

const group = (more: object): GroupPlan =>
  ({ kind: 'group', name: 'all', members: [{ name: '*' }], vm: {}, ...more }) as unknown as GroupPlan;

test('a group on images may say nothing that only other sources know, but whatever is its own', () => {
  const vm = { 'cbt': 'off', 'x-note': 'mine' };
  const findings = groupFindings(group({ vm, members: [{ 'name': '*', 'tag': 'gold', 'x-note': 1 }] }), settings, [
    'local',
  ]);
  expect(findings.map(({ at }) => at.path)).toEqual([
    ['members', 0, 'tag'],
    ['vm', 'cbt'],
  ]);
});
