import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GuestError } from '../../src/files/guest/guest-error.ts';
import { walkBelow } from '../../src/files/guest/walk.ts';

test('a search that finds nothing pauses again and again, and ends when nobody wants it any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'));
  mkdirSync(join(folder, 'many'));
  for (let at = 0; at < 1100; at++) writeFileSync(join(folder, 'many', `f${at}`), '');
  const open = openSync(folder, constants.O_DIRECTORY);
  try {
    let told = 0;
    let pauses = 0;
    const tell = async (): Promise<void> => void told++;
    const pause = async (): Promise<void> => void pauses++;
    expect(await walkBelow(open, { names: ['nothing'] }, { tell, pause })).toEqual({ seen: 1101, unreadable: [] });
    expect([told, pauses]).toEqual([0, 4]);
    const unwanted = async (): Promise<void> => {
      throw new GuestError('cancelled', 'nobody wants it any more');
    };
    const ended = walkBelow(open, { names: ['nothing'] }, { tell, pause: unwanted });
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
  } finally {
    closeSync(open);
    rmSync(folder, { recursive: true });
  }
});
