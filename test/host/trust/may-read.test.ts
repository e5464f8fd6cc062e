import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mayRead } from '../../../src/host/trust/may-read.ts';
import { letSomebodyWrite, somebody } from '../../support/acl.ts';

/** Only root gives files away. */
const isRoot = process.geteuid?.() === 0;

test.runIf(isRoot)(
  'who is in the group reads by its bit, unless an access control list gives that bit another meaning',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'may-read-'));
    try {
      const file = join(folder, 'disk.raw');
      writeFileSync(file, '');
      chownSync(file, 0, somebody);
      chmodSync(file, 0o640);
      const asked = { path: file, file, from: join(folder, 'image') };
      expect(await mayRead({ kind: 'group', id: somebody }, asked)).toBe(true);
      expect(await mayRead({ kind: 'group', id: somebody + 1 }, asked)).toBe(false);
      letSomebodyWrite(file);
      expect(await mayRead({ kind: 'group', id: somebody }, asked)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
