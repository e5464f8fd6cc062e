import { copyFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { removePoints as RemovePoints } from '../../../src/restore-points/merge/remove-points.ts';
import { idOf, mergeRepository, vm } from './merge-repository.ts';

let removePoints: typeof RemovePoints;

// Few machines that run tests have a file system that can clone: a copy is the same, only slower. Modules that other test files of this
// process have loaded are loaded anew, and once more after this one.
beforeAll(async () => {
  vi.resetModules();
  vi.doMock(import('../../../src/host/images/qemu-merge.ts'), async (original) => ({
    ...(await original()),
    cloneFile: async (from, to) => {
      await rm(to, { force: true });
      await copyFile(from, to);
      return true;
    },
  }));
  ({ removePoints } = await import('../../../src/restore-points/merge/remove-points.ts'));
});
afterAll(() => {
  vi.doUnmock('../../../src/host/images/qemu-merge.ts');
  vi.resetModules();
});

test('little that goes is taken in by a clone of what is built on it', { timeout: 300_000 }, async () => {
  await using repository = await mergeRepository();
  const writes = [
    ['write -P 1 0 2M'],
    ['write -P 2 0 64k', 'write -z 1M 64k'],
    ['write -P 3 3M 64k', 'discard 64k 64k'],
    ['write -P 4 1088k 1M', 'write -z -u 2560k 512k'],
    ['write -P 5 64k 128k'],
  ];
  for (const [at, commands] of writes.entries())
    await repository.add(idOf(at + 1), [{ number: 0, parent: at === 0 ? null : idOf(at), commands }]);
  expect(await repository.wrong()).toEqual([]);
  const { merged } = await removePoints(repository.state, { ...vm, root: repository.root, remove: ['p02', 'p03'] });
  expect(merged).toMatchObject([{ into: 'p04', from: ['p03', 'p02'], direction: 'rebase' }]);
  expect(repository.ids()).toEqual(['p01', 'p04', 'p05']);
  expect(await repository.wrong()).toEqual([]);
  expect(await repository.findings()).toEqual([]);
});
