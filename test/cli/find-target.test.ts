import { expect, test } from 'vitest';
import { findPoint } from '../../src/cli/find-point.ts';
import { findTarget, linesFor } from '../../src/cli/find-target.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { fakeHub, point } from './fake-hub.ts';

/** A hub with two VMs, and which lines it was asked for. */
function counted(): { hub: Hub; asked: (string | undefined)[] } {
  const points = [point('a1', null, 1, 'one'), point('b1', null, 2, 'two'), point('b2', 'b1', 3, 'two')];
  const { hub } = fakeHub({ points });
  const asked: (string | undefined)[] = [];
  const { lines } = hub;
  return {
    asked,
    hub: Object.assign(hub, {
      lines: async (filter: Parameters<Hub['lines']>[0]) => {
        asked.push(filter.vm);
        return lines(filter);
      },
    }),
  };
}

test('a VM is found by its name without reading the restore points of others', async () => {
  const { hub, asked } = counted();
  expect(await findTarget(hub, 'two', undefined)).toEqual({ vm: 'two', repository: undefined });
  expect(await findPoint(hub, { name: 'two', words: 'latest', repository: undefined })).toMatchObject({ point: 'b2' });
  expect((await linesFor(hub, 'two', undefined)).map(({ backup_id: id }) => id)).toEqual(['b1', 'b2']);
  expect(asked).toEqual(['two', 'two', 'two']);
});

test('a restore point is looked for among those of every VM, and so is a name that may be misspelt', async () => {
  const { hub } = counted();
  expect(await findTarget(hub, 'a1', undefined)).toEqual({ point: 'a1', repository: undefined });
  await expect(findTarget(hub, 'twoo', undefined)).rejects.toThrow('did you mean two?');
  expect(await linesFor(hub, undefined, undefined)).toHaveLength(3);
});
