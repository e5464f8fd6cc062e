import { expect, test } from 'vitest';
import { planUnits } from '../../src/repository/merge/plan-units.ts';
import { manifestChecksum } from '../../src/repository/manifest.ts';
import { vmFigures } from '../../src/state/runs/figures.ts';
import { insertRestorePoint, points } from '../../src/state/points/restore-points.ts';
import { storedChain } from '../../src/restore-points/stored-chain.ts';
import { brokenBelow, parentsOf } from '../../src/restore-points/verify/broken-points.ts';
import { someDisk, someManifest } from '../repository/some-manifest.ts';
import { temporaryState } from './temporary-state.ts';

/** As versions before this one took them from another hub. */
test.each([
  ['itself', [['b1', 'b1']]],
  [
    'one that is built on it',
    [
      ['b1', 'b2'],
      ['b2', 'b1'],
    ],
  ],
] as const)('whoever walks the chain of a point that is built on %s comes to an end', async (_name, links) => {
  await using temporary = await temporaryState();
  const { state } = temporary;
  for (const [id, parent] of links) {
    const content = someManifest(id, { disks: [someDisk(id, 0, { parent })] });
    insertRestorePoint(state, 'primary', { ...content, checksum: manifestChecksum(content) });
  }
  const all = points(state);
  const [point] = all;
  if (!point) throw new Error('there is none');
  expect(storedChain(state, point, 0)).toMatch(/^disk-0 of b[12] is built on itself, through b[12]$/);
  expect(vmFigures(state, Date.now())).toHaveLength(1);
  expect(parentsOf(point, new Map(all.map((one) => [one.backup_id, one]))).size).toBe(links.length);
  expect(brokenBelow(point, all, new Map())).toBeNull();
  const { units } = planUnits(all, new Set(['b1']));
  expect(units.length).toBeLessThanOrEqual(1);
});
