import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { guestPidFile, monitorName } from '../../src/boot/boot-files.ts';
import { tendBoot } from '../../src/boot/tend-boot.ts';
import { thisPlace } from '../../src/host/programs/process-identity.ts';
import type { RepositoryAccess } from '../../src/restore-points/repository-access.ts';
import { addBoot, changeBoot, type BootRow } from '../../src/state/boots/boots.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { temporaryState } from '../state/temporary-state.ts';

it.each([
  ['ended meanwhile', true],
  ['that goes on', false],
])('a VM %s whose monitor hangs up: it is told only of the latter', async (_which, ends) => {
  using bench = temporaryState();
  const { state } = bench;
  await using folder = await temporaryFolder();
  const row: BootRow = {
    id: 'boot-00000001',
    repository: 'primary',
    context: 'pgtest1',
    backup_id: 'point-1',
    state: 'up',
    folder: folder.file('boot-00000001'),
    place: thisPlace(),
    owner: null,
    machine: JSON.stringify({ disks: [], reserveBytes: 0, quotaBytes: null }),
    move: null,
    wanted: 'on',
    paused: null,
    started: 1,
    started_by: 'root',
  };
  addBoot(state, row);
  await mkdir(row.folder);
  const guest = spawn('tail', ['-F', guestPidFile(row.folder)], { stdio: 'ignore' });
  await writeFile(guestPidFile(row.folder), String(guest.pid));
  const monitor = createServer((socket: Socket) => {
    if (ends) changeBoot(state, row.id, { state: 'stopping', wanted: 'off' });
    socket.on('error', () => undefined).destroy();
  }).listen(join(row.folder, monitorName));
  await once(monitor, 'listening');
  try {
    const tended = tendBoot({ state } as RepositoryAccess, row);
    if (ends) expect(await tended).toBe(true);
    else await expect(tended).rejects.toThrow('the QEMU of the VM');
  } finally {
    monitor.close();
    guest.kill('SIGKILL');
    await once(guest, 'exit');
  }
});
