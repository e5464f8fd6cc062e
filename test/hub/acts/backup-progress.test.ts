import { expect, test } from 'vitest';
import { backupProgress } from '../../../src/hub/acts/backup-progress.ts';
import { insertRun } from '../../bench/many-points.ts';
import { temporaryState } from '../../state/temporary-state.ts';

const decided = {
  repository: 'primary',
  backup_id: '20261127T100000Z-aaaaaa',
  kind: 'full',
  disks: [{ disk: 'disk-0', mode: 'full', reason: 'there was none', path: '/r/disk-0/a.qcow2' }],
};

test.each([
  ['succeeded', 1, 'succeeded', 'complete', 1],
  ['cancelled', 0, 'undo_finished', 'cancelled', 0],
  // The restore point was there when somebody cancelled what comes after it.
  ['cancelled', 1, 'undo_finished', 'cancelled', 1],
  ['failed', 0, 'undo_finished', 'failed', 0],
  ['crashed', 0, 'undo_finished', 'failed', 0],
] as const)('of a run that %s, published: %d, its step %s, is said: %s', (status, published, state, said, disks) => {
  using place = temporaryState();
  const { state: db } = place;
  insertRun(db, 0, 1, { vms: 1, points: 1, runs: 1, until: Date.now() });
  const { id = '' } = db.first(db.query.selectFrom('runs').select('id')) ?? {};
  db.run(db.query.updateTable('runs').set({ status, published, finished: Date.now() }));
  db.run(
    db.query
      .updateTable('steps')
      .set({ state, output: JSON.stringify(decided) })
      .where('uses', '=', 'chain.decide'),
  );
  const told = backupProgress(db, id);
  expect([told?.status, told?.backup_id, told?.disk_results.length]).toEqual([
    said,
    disks === 0 ? null : decided.backup_id,
    disks,
  ]);
});
