import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { FilesDoctorOutput } from '../../schemas/types.ts';
import { isThere, missingOf, remedyFor, toldMissing } from './kinds/choose-kind.ts';
import { readerKinds } from './kinds/index.ts';
import type { ReaderKind, Requirement } from './kinds/kind.ts';
import { startReader } from './start-reader.ts';

type Kind = FilesDoctorOutput['readers'][number];
type Check = FilesDoctorOutput['checks'][number];

/**
 * What this machine can read, and what it takes to read the rest. Starts a reader of each kind whose programs are there, without disks.
 * @param wanted the only kind that may read; default: the best one that works does
 */
export async function checkReading(wanted?: string): Promise<FilesDoctorOutput> {
  const seen: { readonly kind: ReaderKind; readonly lack: Lack | null }[] = [];
  for (const kind of readerKinds) seen.push({ kind, lack: await lackOf(kind) });
  const mayRead = seen.filter(({ kind }) => wanted === undefined || kind.name === wanted);
  const used = mayRead.find(({ lack }) => lack === null)?.kind ?? null;
  const readers = seen.map(({ kind, lack }): Kind => {
    const { name, title, reads } = kind;
    const state = kind === used ? 'used' : lack === null ? 'works' : 'missing';
    return { name, title, reads, state, why: lack?.why ?? null, remedy: lack?.remedy ?? null };
  });
  const checked = used ?? mayRead.find(({ kind }) => kind.unfit() === null)?.kind;
  const checks = checked?.needs.map(checkOf) ?? [];
  const isBest = used === mayRead[0]?.kind && checks.every(({ result }) => result === 'ok');
  return {
    version: 1,
    result: used === null ? 'fail' : isBest ? 'ok' : 'warn',
    reader: used?.name ?? null,
    readers,
    checks,
  };
}

/** Why a kind does not work here, and the way out. */
interface Lack {
  readonly why: string;
  readonly remedy: string | null;
}

async function lackOf(kind: ReaderKind): Promise<Lack | null> {
  const why = kind.unfit();
  if (why !== null) return { why, remedy: null };
  const missing = missingOf(kind);
  if (missing.length === 0) return await tryOut(kind);
  return { why: toldMissing(missing), remedy: remedyFor(missing) };
}

/** What keeps a reader from starting, by what it said last, and the way out. The first that fits counts. */
const hindrances: readonly { readonly says: RegExp; readonly remedy: string }[] = [
  {
    says: /bwrap:.*(?:namespace|uid map|gid map|not permitted|permission denied|\/proc)/i,
    remedy:
      'Let users make namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu an AppArmor profile for bwrap. In a container, run it with the rights for that.',
  },
  {
    says: /allocate memory|out of memory|ENOMEM|no space left/i,
    remedy: 'A reader takes up to 1 GiB of memory. Free some, or let the service have more.',
  },
  {
    says: /ptrace/i,
    remedy:
      'User-Mode Linux traces its programs. Let it: no seccomp filter or Yama setting (sysctl kernel.yama.ptrace_scope below 3) may forbid ptrace. If nothing forbids it, this kernel does not know the processor: take a newer package user-mode-linux.',
  },
  { says: /not ready within/i, remedy: 'The machine is too busy. Try again when it is quiet.' },
];

const unknownHindrance =
  'Look at what it said last. Sendense takes the next kind until this one starts; `files.reader` in sendense.yaml chooses one.';

/** @param said the words of the error that a reader ended with */
export const remedyFrom = (said: string): string =>
  hindrances.find(({ says }) => says.test(said))?.remedy ?? unknownHindrance;

async function tryOut(kind: ReaderKind): Promise<Lack | null> {
  const folder = await mkdtemp(join(tmpdir(), 'sendense-doctor-'));
  try {
    await using _reader = await startReader({ kind, folder });
    return null;
  } catch (error) {
    const { message } = toSendenseError(error);
    return { why: `it does not start: ${message}`, remedy: remedyFrom(message) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checkOf(one: Requirement): Check {
  const { program, without } = one;
  const there = isThere(one);
  return {
    id: `program.${program.replaceAll('_', '-')}`,
    title: program,
    result: there ? 'ok' : without === null ? 'fail' : 'warn',
    message: there
      ? 'is there'
      : without === null
        ? 'is missing, and nothing can be read'
        : `is missing: Sendense cannot read ${without}`,
    remedy: there ? null : remedyFor([one]),
    code: null,
  };
}
