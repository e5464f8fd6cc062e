import { expect, test } from 'vitest';
import type { Source } from '../../src/node/sources/source.ts';
import type { ImageSourceSpec } from '../../src/schemas/types.ts';
import type { OpenDisk, OpenSource } from '../../src/sources/open-source.ts';
import type { SourceType } from '../../src/sources/source-kind.ts';
import { MiB } from '../node/support.ts';
import { randomBytes } from '../support/random.ts';
import { conforms } from './conformance.ts';
import { memorySource, memorySubject, type Disks } from './memory-source.ts';
import { hubChecks } from './hub-checks.ts';
import { nodeChecks } from './node-checks.ts';
import type { Subject } from './subject.ts';

const disks: Disks = new Map([
  ['/memory/a', randomBytes(MiB)],
  ['/memory/b', randomBytes(65_536)],
]);

conforms('memory', async () => memorySubject(disks));

type Memory = Source<ImageSourceSpec>;
const sound = memorySource(disks);

/** A source that is sound but for what it serves. */
const serving = (change: (open: OpenSource) => Partial<OpenSource>): Memory => ({
  ...sound,
  open: async (spec, options) => {
    const open = await sound.open(spec, options);
    return { ...open, ...change(open) };
  },
});
const servingDisks = (change: (disk: OpenDisk) => Partial<OpenDisk>): Memory =>
  serving((open) => ({
    disk: async (key, signal) => {
      const disk = await open.disk(key, signal);
      return { ...disk, ...change(disk) };
    },
  }));

const other = memorySource(new Map([...disks].map(([path, content]) => [path, Buffer.alloc(content.length, 7)])));

test.each<[check: string, spoilt: Memory]>([
  [
    'an open source has the disks that were discovered, with what they hold, and bears no write',
    { ...sound, open: other.open },
  ],
  [
    'an open source has the disks that were discovered, with what they hold, and bears no write',
    serving(({ keys }) => ({ keys: keys.toReversed() })),
  ],
  [
    'a disk that is not there is source.missing',
    serving((open) => ({
      // The check does not close what it does not expect.
      disk: async () => {
        await using disk = await open.disk('0');
        return disk;
      },
    })),
  ],
  [
    'areas of a disk ascend within its capacity',
    servingDisks(() => ({ allocated: async () => [{ offset: 65_536, length: 2 * MiB }] })),
  ],
  [
    'areas of a disk ascend within its capacity',
    servingDisks(() => ({ changes: async () => ({ changeId: 'now', since: null, areas: [] }) })),
  ],
  [
    'a signal that was given ends what is opened, and nothing stays',
    { ...sound, open: (spec, options) => sound.open(spec, { ...options, signal: undefined }) },
  ],
  [
    'keys and uuids of disks are distinct',
    {
      ...sound,
      discover: async (...asked) => {
        const found = await sound.discover(...asked);
        return { ...found, disks: found.disks.map((disk) => ({ ...disk, uuid: 'one' })) };
      },
    },
  ],
  [
    'a file of the node itself is refused, when disks are listed and when they are read',
    { ...sound, discover: (spec, asked) => sound.discover(spec, { ...asked, own: [] }) },
  ],
  [
    'a file of the node itself is refused, when disks are listed and when they are read',
    { ...sound, open: (spec, options) => sound.open(spec, { ...options, own: [] }) },
  ],
  ['files are named by fields of the spec', { ...sound, files: () => [{ field: '/disks/0', path: '/memory/a' }] }],
  [
    'what jobs leave can be removed twice, if they leave anything',
    { ...sound, traces: { cleanUp: async () => {}, removeLeftOvers: () => Promise.reject(new Error('not asked')) } },
  ],
])('the suite notices what a source does wrong: %s', async (check, spoilt) => {
  await expectNoticed(check, memorySubject(disks, spoilt));
});

test.each<[check: string, spoilt: Partial<Subject<'image'>['kind']>]>([
  ['a spec leads back to its source in sendense.yaml, while it is there', { nameOf: () => 'memory' }],
  ['names that sendense.yaml has are those with disks there', { vmNames: () => ['another'] }],
  ['a group finds the VM by its name', { listVms: async () => ({ vms: [], warnings: [] }) }],
  ['the VM of the plan is in order, and keys of other kinds are told from its own', { matchKeys: [] }],
  [
    'effects have no command, and only a kind that makes something at the source may leave it there',
    { leaves: (jobId) => `what ${jobId} left` },
  ],
])('the suite notices what a kind does wrong at the hub: %s', async (check, spoilt) => {
  const subject = memorySubject(disks);
  await expectNoticed(check, { ...subject, kind: { ...subject.kind, ...spoilt } });
});

const all = { ...hubChecks, ...nodeChecks };

async function judge(check: string, subject: Subject<'image'>): Promise<void> {
  await all[check]?.(subject as unknown as Subject<SourceType>);
}

/** What is as it is meant to be passes, so that it is the spoilt one that fails. */
async function expectNoticed(check: string, spoilt: Subject<'image'>): Promise<void> {
  expect(Object.keys(all)).toContain(check);
  await judge(check, memorySubject(disks));
  await expect(judge(check, spoilt)).rejects.toThrow();
}
