import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { imageTarget } from '../host/images/image-options.ts';
import { findByPidFile, serveNbd } from '../host/nbd/qemu-nbd.ts';
import { diskName } from '../repository/layout.ts';
import { chainVerdict } from '../restore-points/choose/chain-verdict.ts';
import { settleAll } from '../restore-points/settle-all.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { changeBoot, findBoot, type BootRow } from '../state/boots/boots.ts';
import { findPoint, type RestorePoint } from '../state/points/restore-points.ts';
import { programLog, serverPidFile, serverSocketName } from './boot-files.ts';
import { shellWord } from '../view/text.ts';
import { bootMachineOf, decidedMachine } from './boot-machine.ts';
import { diskFiles } from './disk-files.ts';

/** Disks that need the chain in the repository. */
const served = (row: BootRow): number[] =>
  bootMachineOf(row)
    .disks.filter((disk) => diskFiles(row, disk).onChain)
    .map(({ number }) => number);

/** Those of which nobody serves the chain at this moment. */
export async function unserved(row: BootRow): Promise<number[]> {
  const numbers = served(row);
  const servers = await Promise.all(numbers.map((number) => findByPidFile(serverPidFile(row.folder, number))));
  return numbers.filter((_, index) => servers[index] === null);
}

/**
 * Serves the chains of a VM's disks where nobody does, read-only, from the files that they have now: another hub may have merged them.
 * It looks at them first: what is missing of a file would be zeros for the guest, and the guest would write on top of that. What serves them
 * outlives this process.
 * @throws SendenseError `point.unknown`, `repository.key`, `chain.damaged`, `nbd.failed`
 */
export async function serveDisks(access: RepositoryAccess, row: BootRow, signal?: AbortSignal): Promise<void> {
  const numbers = await unserved(row);
  if (numbers.length === 0) return;
  const { repository, context, backup_id: backupId } = row;
  const root = access.repositoryPath(repository);
  const point = findPoint(access.state, { repository, context, backupId });
  const keys = await access.imageKeys(repository);
  const touched: string[] = [];
  for (const number of numbers) touched.push(...(await assertReadable(access, row, { root, point, number })));
  noteTouched(access, row, touched);
  // It may have learnt where another hub has merged them.
  const disks = findPoint(access.state, { repository, context, backupId })?.disks ?? [];
  await settleAll(
    numbers.map(async (number) => {
      const disk = disks.find((entry) => entry.number === number);
      if (!disk) throw gone(row, number);
      const file = join(root, context, disk.path);
      await serveNbd({
        file,
        format: 'qcow2',
        image: await imageTarget(file, { key: keys.of(disk) }),
        cwd: row.folder,
        readOnly: true,
        // A path of any length fits, because the program works in the folder.
        listen: { socket: `/proc/self/cwd/${serverSocketName(number)}` },
        exportName: '',
        pidFile: serverPidFile(row.folder, number),
        lastingLog: programLog(row.folder),
        signal,
      });
    }),
  );
}

interface ChainOf {
  /** Folder of the repository. */
  readonly root: string;
  readonly point: RestorePoint | undefined;
  readonly number: number;
}

/** @returns files that may hold something else than what was committed: nobody has compared it. @throws SendenseError `point.unknown`, `chain.damaged` */
async function assertReadable(
  { state }: RepositoryAccess,
  row: BootRow,
  { root, point, number }: ChainOf,
): Promise<readonly string[]> {
  if (!point?.disks.some((disk) => disk.number === number)) throw gone(row, number);
  const verdict = await chainVerdict(state, root, point, number, { index: false });
  if (verdict.verdict === 'touched') return verdict.paths;
  if (verdict.verdict === 'sound') return [];
  throw new SendenseError(
    'chain.damaged',
    `${row.id} runs from restore point ${row.backup_id}, and ${diskName(number)} of that cannot be read: ${verdict.reason}`,
    {
      remedy: `What the guest wrote stays in ${row.folder}. It is of no use without that file: copy the file back from a copy of the repository, with its time (\`cp -p\`). Then say \`sendense-run boot start ${row.id}\`.`,
    },
  );
}

/** What the VM stands on is told with it as long as it runs. */
function noteTouched(
  { state }: RepositoryAccess,
  { id, context, backup_id: point }: BootRow,
  paths: readonly string[],
): void {
  if (paths.length === 0) return;
  const row = findBoot(state, id);
  const booted = row && decidedMachine(row);
  if (!booted) return;
  const note = `${paths.join(', ')} has another time than when it was committed, and nobody has compared what it holds; \`sendense-run verify --vm ${shellWord(context)} --point ${point} --level deep\` compares it`;
  const { notes } = booted.machine;
  if (notes.includes(note)) return;
  changeBoot(state, id, {
    machine: JSON.stringify({ ...booted, machine: { ...booted.machine, notes: [...notes, note] } }),
  });
}

const gone = ({ id, backup_id: backupId }: BootRow, number: number): SendenseError =>
  new SendenseError('point.unknown', `${id}: ${diskName(number)} of ${backupId} is not there any more`);
