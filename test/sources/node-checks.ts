import { readdir } from 'node:fs/promises';
import { expect, vi } from 'vitest';
import { connectNbd } from '../../src/host/nbd/nbd-client.ts';
import { nbd } from '../../src/host/nbd/nbd-protocol.ts';
import type { OpenOptions, Source } from '../../src/node/sources/source.ts';
import type { Source as SourceSpec } from '../../src/schemas/types.ts';
import type { OpenSource } from '../../src/sources/open-source.ts';
import type { SourceType } from '../../src/sources/source-kind.ts';
import { processesOf, workshop } from '../node/support.ts';
import { loginOf, specOf, type Subject } from './subject.ts';

const patience = { timeout: 200_000, interval: 50 };

/** What watches over a program ends a moment after it. */
const expectNoTraces = (subject: Pick<Subject<SourceType>, 'traces'>): Promise<void> =>
  vi.waitFor(async () => expect(await subject.traces()).toEqual([]), patience);

type AnySource = Source<SourceSpec>;
type Check = (subject: Subject<SourceType>) => Promise<void>;

/** What every kind keeps at the node. */
export const nodeChecks: Readonly<Record<string, Check>> = {
  'what is discovered is the same twice, and nothing is made': async (subject) => {
    const first = await discover(subject);
    expect(first.disks.length).toBe(subject.contents.length);
    expect((await discover(subject)).disks).toEqual(first.disks);
    await expectNoTraces(subject);
  },

  'keys and uuids of disks are distinct': async (subject) => {
    const { disks } = await discover(subject);
    for (const name of ['key', 'uuid'] as const)
      expect(new Set(disks.map((disk) => disk[name])).size, name).toBe(disks.length);
  },

  'an open source has the disks that were discovered, with what they hold, and bears no write': async (subject) => {
    const { disks } = await discover(subject);
    await whileOpen(subject, async (open) => {
      expect(open.keys).toEqual(disks.map(({ key }) => key));
      for (const [number, { key, capacity_bytes: capacity }] of disks.entries()) {
        await using disk = await open.disk(key);
        await using client = await connectNbd(disk.uri);
        expect(client.size).toBe(capacity);
        expect(client.facts.flags & nbd.transmission.readOnly, 'read-only').not.toBe(0);
        const read = Buffer.alloc(capacity);
        await client.read(0, read);
        expect(read.equals(subject.contents[number] ?? Buffer.alloc(0)), `content of ${key}`).toBe(true);
        await disk.assertUnchanged();
      }
    });
  },

  'areas of a disk ascend within its capacity': async (subject) => {
    const { disks } = await discover(subject);
    await whileOpen(subject, async (open) => {
      for (const { key, capacity_bytes: capacity, change_tracking: tracking } of disks) {
        await using disk = await open.disk(key);
        const changes = await disk.changes(capacity, null);
        if (tracking === 'digest') expect(changes).toBe(null);
        assertAscending(changes?.areas ?? [], capacity);
        assertAscending((await disk.allocated?.(capacity)) ?? [], capacity);
      }
    });
  },

  'a disk that is not there is source.missing': async (subject) => {
    await whileOpen(subject, async (open) => {
      await expect(open.disk('no-such-key')).rejects.toMatchObject({ code: 'source.missing' });
    });
  },

  'nothing stays of what was open: no snapshot, no socket, no program': async (subject) => {
    await using at = await workshop();
    const open = await openIn(at.folder, subject);
    const disk = await open.disk(open.keys[0] ?? '');
    await disk[Symbol.asyncDispose]();
    await open[Symbol.asyncDispose]();
    await expectNoTraces(subject);
    expect(processesOf(at.folder).filter(({ argv }) => argv[0] !== '/bin/sh')).toEqual([]);
    expect((await readdir(at.folder)).filter((name) => name.endsWith('.sock'))).toEqual([]);
    await vi.waitFor(() => expect(processesOf(at.folder)).toEqual([]), patience);
  },

  'a signal that was given ends what is opened, and nothing stays': async (subject) => {
    await using at = await workshop();
    const attempt = async (): Promise<void> => {
      await using open = await openIn(at.folder, subject, AbortSignal.abort());
      await using _disk = await open.disk(open.keys[0] ?? '');
    };
    await expect(attempt()).rejects.toThrow();
    await expectNoTraces(subject);
  },

  'what jobs leave can be removed twice, if they leave anything': async (subject) => {
    const { traces, type } = anySource(subject);
    expect(traces === null, `${type}: the halves of the kind agree`).toBe(subject.kind.leaves === null);
    const asked = { ...asking(subject), jobId: 'no-such-job' };
    await traces?.cleanUp(specOf(subject), asked);
    await traces?.cleanUp(specOf(subject), asked);
  },

  'files are named by fields of the spec': async (subject) => {
    const spec = specOf(subject);
    for (const { field, path } of anySource(subject).files(spec)) {
      const found = field
        .split('/')
        .slice(1)
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], spec);
      expect(found, field).toBe(path);
    }
  },

  'a file of the node itself is refused, when disks are listed and when they are read': async (subject) => {
    for (const { field, path } of anySource(subject).files(specOf(subject))) {
      const own = [path];
      const listed = anySource(subject).discover(specOf(subject), { ...asking(subject), own });
      await expect(listed, field).rejects.toMatchObject({ code: 'source.unsupported' });
      await expect(readAll(subject, own), field).rejects.toMatchObject({ code: 'source.unsupported' });
    }
  },

  'both halves of a kind ask for a password, or none does; without one nothing is asked of the source': async (
    subject,
  ) => {
    const { login, type } = anySource(subject);
    expect(login === null, type).toBe(subject.kind.login === null);
    if (login === null) return;
    const nobody = anySource(subject).discover(specOf(subject), { ...asking(subject), login: null });
    await expect(nobody).rejects.toMatchObject({ code: 'request.invalid' });
  },

  'the inventory has the VM, if there is one': async (subject) => {
    const { inventory } = anySource(subject);
    const found = await inventory?.(specOf(subject), { login: loginOf(subject) });
    if (found) expect(found.vms.map(({ name }) => name)).toContain(subject.vmName);
  },
};

const anySource = ({ source }: Subject<SourceType>): AnySource => source as AnySource;
const asking = (subject: Subject<SourceType>) => ({ vmName: subject.vmName, login: loginOf(subject) });
const discover = (subject: Subject<SourceType>) => anySource(subject).discover(specOf(subject), asking(subject));

async function openIn(
  folder: string,
  subject: Subject<SourceType>,
  signal?: AbortSignal,
  own?: readonly string[],
): Promise<OpenSource> {
  const nothing = (): void => undefined;
  const options: OpenOptions = {
    ...asking(subject),
    jobId: 'job-1',
    backupId: 'backup-1',
    expected: [],
    jobFolder: folder,
    socketFolder: folder,
    own,
    signal,
    warn: nothing,
    log: nothing,
    activity: nothing,
    left: nothing,
  };
  return anySource(subject).open(specOf(subject), options);
}

async function readAll(subject: Subject<SourceType>, own: readonly string[]): Promise<void> {
  const { disks } = await discover(subject);
  await using at = await workshop();
  await using open = await openIn(at.folder, subject, undefined, own);
  for (const { key, capacity_bytes: capacity } of disks) {
    await using disk = await open.disk(key);
    await disk.changes(capacity, null);
  }
}

async function whileOpen(subject: Subject<SourceType>, act: (open: OpenSource) => Promise<void>): Promise<void> {
  await using at = await workshop();
  await using open = await openIn(at.folder, subject);
  await act(open);
}

function assertAscending(
  areas: readonly { readonly offset: number; readonly length: number }[],
  capacity: number,
): void {
  let end = 0;
  for (const { offset, length } of areas) {
    expect(length).toBeGreaterThan(0);
    expect(offset).toBeGreaterThanOrEqual(end);
    end = offset + length;
  }
  expect(end).toBeLessThanOrEqual(capacity);
}
