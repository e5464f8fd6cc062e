import { expect, test, vi } from 'vitest';
import { createDigestLanes } from '../../../src/blocks/digest-lanes.ts';
import type { ByteSource } from '../../../src/blocks/raw-file.ts';

const MiB = 1024 * 1024;
const source = { read: async (_offset: number, into: Uint8Array) => void into.fill(7) } as unknown as ByteSource;
const work = { extents: [{ offset: 0, length: 8 * MiB }] } as Parameters<
  ReturnType<typeof createDigestLanes>['digest']
>[0];

test('however many disks are read one after another, they take the buffers of one', async () => {
  const made = vi.spyOn(Buffer, 'allocUnsafeSlow');
  try {
    for (let disk = 0; disk < 30; disk++) await createDigestLanes(source).digest(work);
    expect(made.mock.calls.length).toBeLessThanOrEqual(4);
  } finally {
    made.mockRestore();
  }
});

test('a disk takes no buffer before there is something to read', () => {
  const made = vi.spyOn(Buffer, 'allocUnsafeSlow');
  try {
    createDigestLanes(source);
    expect(made).not.toHaveBeenCalled();
  } finally {
    made.mockRestore();
  }
});

test('a buffer that a failed read may still fill is not used again', async () => {
  const kept: Uint8Array[] = [];
  const failing = {
    read: async (_offset: number, into: Uint8Array) => {
      kept.push(into);
      throw new Error('no');
    },
  };
  await expect(createDigestLanes(failing as unknown as ByteSource).digest(work)).rejects.toThrow('no');
  const later: Uint8Array[] = [];
  const good = { read: async (_offset: number, into: Uint8Array) => void later.push(into) };
  await createDigestLanes(good as unknown as ByteSource).digest(work);
  expect(later.filter(({ buffer }) => kept.some((one) => one.buffer === buffer))).toEqual([]);
});
