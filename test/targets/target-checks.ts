import { mkdir } from 'node:fs/promises';
import { expect } from 'vitest';
import { connectNbd } from '../../src/host/nbd/nbd-client.ts';
import { nbd } from '../../src/host/nbd/nbd-protocol.ts';
import { removeRunFolder } from '../../src/host/programs/run-folder.ts';
import { targetFindings } from '../../src/plan/checks/check-target.ts';
import type {
  Machine,
  PublishRun,
  RestoredDisk,
  RestoreRequest,
  RestoreRun,
  TargetKind,
  TargetType,
  WrittenDisk,
} from '../../src/targets/target-kind.ts';

/** A target of some kind that is empty, in a folder of its own, and what would be restored to it. */
export interface TargetSubject<T extends TargetType> extends AsyncDisposable {
  readonly kind: TargetKind<T, object, object>;
  readonly request: RestoreRequest<T>;
  /** Against which paths of the plan count. */
  readonly planFolder: string;
  /** What the disks hold. */
  readonly contents: readonly Buffer[];
  /** Whether the target can lie in a folder that is a repository. */
  readonly mayHoldRepository: boolean;
  /** All that is at the target, whoever made it. */
  seen(): Promise<readonly string[]>;
  /** Somebody else makes what a restore would make, and says how to tell that it is still theirs; null: writing takes the names at once. */
  readonly occupy: ((written: readonly WrittenDisk[]) => Promise<() => Promise<boolean>>) | null;
  /** What the target has of a disk, where it does not serve it. */
  stored?(disk: string): Promise<Buffer>;
}

type Subject = TargetSubject<TargetType>;
type Check = (subject: Subject) => Promise<void>;

/** One of its own for each process: several kinds are tested side by side, and a run has a folder for its servers. */
export const runId = `run-conforms-${process.pid}`;
const stepId = 'restore-write';

/** What every kind of target keeps. */
export const targetChecks: Readonly<Record<string, Check>> = {
  'a claim is plain, the same twice, and bears the id of the run': async (subject) => {
    const claim = claimOf(subject);
    expect(claim).toEqual(claimOf(subject));
    expect(JSON.parse(JSON.stringify(claim))).toEqual(claim);
    expect(JSON.stringify(claim)).toContain(runId);
  },

  'what would be done is said, and nothing is done': async (subject) => {
    const before = await subject.seen();
    await subject.kind.assertFree(subject.request, claimOf(subject));
    const effects = await subject.kind.effects(subject.request, claimOf(subject));
    expect(effects.length).toBeGreaterThanOrEqual(subject.request.disks.length);
    const outline = subject.kind.outline(subject.request, claimOf(subject));
    expect(outline.files.map(({ disk }) => disk)).toEqual(subject.request.disks.map(({ disk }) => disk));
    expect(subject.kind.publishEffects(outline.files).length).toBeGreaterThan(0);
    expect(await subject.seen()).toEqual(before);
  },

  'disks are written twice like once, and read back as what they hold, without a write': async (subject) => {
    const first = await write(subject);
    const names = (files: readonly WrittenDisk[]) => files.map(({ bytes_written: _bytes, ...name }) => name);
    // What is there already need not be written again.
    expect(names((await write(subject)).files)).toEqual(names(first.files));
    for (const [index, disk] of subject.request.disks.entries()) {
      const written = first.files[index];
      if (!written) throw new Error(`${disk.disk} was not written`);
      // Not toEqual, which looks at each byte by itself.
      expect(
        (await readBack(subject, written, disk)).equals(subject.contents[index] ?? Buffer.alloc(0)),
        disk.disk,
      ).toBe(true);
    }
  },

  'undo takes away what was written, twice, and what was there before stays': async (subject) => {
    const before = await subject.seen();
    const { remembered } = await write(subject);
    expect(await subject.seen()).not.toEqual(before);
    for (const facts of [remembered, remembered, {}]) await subject.kind.undoWrite(claimOf(subject), facts);
    expect(await subject.seen()).toEqual(before);
  },

  'what is published is there, and goes by undo only': async (subject) => {
    const before = await subject.seen();
    const { files, machine, remembered } = await write(subject);
    const names = subject.kind.claimNames(files, machine);
    expect(await subject.kind.isPublished(names, {})).toBe(false);
    const shown = await publish(subject, names);
    await subject.kind.publish(
      names,
      publishRun(subject, () => undefined),
    );
    expect(await subject.kind.isPublished(names, shown)).toBe(true);
    // What it wrote is part of the result by now.
    const there = await subject.seen();
    await subject.kind.undoPublish(names, {});
    expect(await subject.seen()).toEqual(there);
    await subject.kind.undoPublish(names, shown);
    await subject.kind.undoPublish(names, shown);
    await subject.kind.undoWrite(claimOf(subject), remembered);
    expect(await subject.kind.isPublished(names, shown)).toBe(false);
    expect(await subject.seen()).toEqual(before);
  },

  'what somebody else has there is never written over, nor taken away': async (subject) => {
    if (subject.occupy === null) return;
    const { files, remembered } = await write(subject);
    const names = subject.kind.claimNames(files);
    const isTheirs = await subject.occupy(files);
    await expect(subject.kind.assertFree(subject.request, claimOf(subject))).rejects.toMatchObject({
      code: 'file.exists',
    });
    const facts: Record<string, unknown> = {};
    const published = subject.kind.publish(
      names,
      publishRun(subject, (name, value) => void (facts[name] = value)),
    );
    await expect(published).rejects.toMatchObject({ code: 'file.exists' });
    await subject.kind.undoPublish(names, facts);
    await subject.kind.undoWrite(claimOf(subject), remembered);
    expect(await isTheirs()).toBe(true);
  },

  'a signal that was given ends the writing': async (subject) => {
    await expect(write(subject, AbortSignal.abort())).rejects.toThrow();
  },

  'nothing is written into the repository': async (subject) => {
    const { request } = subject;
    // The repository of a device is a mounted file system on it.
    if (!subject.mayHoldRepository) return;
    await mkdir(subject.planFolder, { recursive: true });
    const inside = { ...request, from: { ...request.from, path: () => subject.planFolder } };
    await expect(subject.kind.assertFree(inside, claimOf(subject))).rejects.toMatchObject({ code: 'target.unfit' });
  },

  'the checks of plans know whether files can go to it': async ({ kind, request }) => {
    const refused = targetFindings({ ...request.to }, true).some(({ at }) => at.path?.[0] === 'files');
    expect(refused).toBe(kind.files === null);
  },

  'where files go is claimed without an effect, and not in the repository': async (subject) => {
    const { kind, request, planFolder } = subject;
    if (kind.files === null) return;
    const before = await subject.seen();
    const claim = kind.files.claim(request.to, { runId, stepId, planFolder });
    expect(JSON.parse(JSON.stringify(claim))).toEqual(kind.files.claim(request.to, { runId, stepId, planFolder }));
    const { effects, output } = kind.files.outline(claim, ['/etc', '/srv']);
    expect(effects).toHaveLength(2);
    expect(JSON.parse(JSON.stringify(kind.files.claimNames(output)))).toEqual(kind.files.claimNames(output));
    await mkdir(planFolder, { recursive: true });
    const asked = { to: request.to, overwrite: false };
    await kind.files.assertApart({ ...asked, repository: request.from.path() }, claim);
    const inside = kind.files.assertApart({ ...asked, repository: planFolder }, claim);
    await expect(inside).rejects.toMatchObject({ code: 'target.unfit' });
    await kind.files.undoTake(claim, {});
    expect(await subject.seen()).toEqual(before);
  },
};

const claimOf = ({ kind, request, planFolder }: Subject): object =>
  kind.claim(request.to, request.disks, { runId, stepId, planFolder });

async function write(
  subject: Subject,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ files: WrittenDisk[]; machine: Machine | null; remembered: Record<string, unknown> }> {
  const remembered: Record<string, unknown> = {};
  const run: RestoreRun = {
    runId,
    stepId,
    signal,
    log: () => undefined,
    progress: () => undefined,
    remember: (name, value) => void (remembered[name] = value),
  };
  const { files, machine = null } = await subject.kind.write(subject.request, claimOf(subject), run);
  return { files, machine, remembered };
}

const publishRun = ({ request }: Subject, remember: RestoreRun['remember']): PublishRun => ({
  runId,
  signal: new AbortController().signal,
  remember,
  disks: request.disks,
  from: request.from,
});

async function publish(subject: Subject, names: object): Promise<Record<string, unknown>> {
  const remembered: Record<string, unknown> = {};
  await subject.kind.publish(
    names,
    publishRun(subject, (name, value) => void (remembered[name] = value)),
  );
  return remembered;
}

async function readBack({ kind, request, stored }: Subject, written: WrittenDisk, disk: RestoredDisk): Promise<Buffer> {
  if (kind.readBack === null) return (await stored?.(disk.disk)) ?? Buffer.alloc(0);
  const folderId = `${runId}-${process.pid}-read`;
  try {
    const key = (await request.from.keys()).of(disk);
    await using served = await kind.readBack(written, disk, { folderId, key, signal: new AbortController().signal });
    await using client = await connectNbd(served.uri);
    expect(client.facts.flags & nbd.transmission.readOnly, 'read-only').not.toBe(0);
    const content = Buffer.alloc(client.size);
    await client.read(0, content);
    return content;
  } finally {
    await removeRunFolder(folderId);
  }
}
