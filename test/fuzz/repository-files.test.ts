import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import { recogniseName } from '../../src/repository/stored-files/recognise.ts';
import { readContext } from '../../src/repository/stored-files/read-context.ts';
import { locksFolder, markerName } from '../../src/repository/layout.ts';
import { isManifest } from '../../src/repository/manifest-ids.ts';
import {
  canonical,
  manifestChecksum,
  parentsFirst,
  readManifest,
  readManifestExactly,
} from '../../src/repository/manifest.ts';
import { currentMarks } from '../../src/repository/marks-of-vm.ts';
import { marksIn, readMarks } from '../../src/repository/marks.ts';
import { blockedBy } from '../../src/repository/merge/blocked.ts';
import { filesOfIntent, readIntents } from '../../src/repository/merge/intent.ts';
import { findRepository, markerFault } from '../../src/repository/open-repository.ts';
import { readRecord, recordName } from '../../src/repository/vm-lock/lock-record.ts';
import { takeLock } from '../../src/repository/vm-lock/take-lock.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { thisPlace, thisProcess } from '../../src/host/programs/process-identity.ts';
import type { Manifest, MergeIntent } from '../../src/schemas/types.ts';
import { insertRestorePoint } from '../../src/state/points/restore-points.ts';
import { setMarks } from '../../src/state/points/point-marks.ts';
import { someDisk, someManifest } from '../repository/some-manifest.ts';
import { temporaryState } from '../state/temporary-state.ts';
import { fuzz, judge } from './harness.ts';
import { changedValue, hostileJson, jsonText, parsedOf } from './hostile-json.ts';
import { assertInside, touched } from './touched.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'sendense-fuzz-')));
const vm = join(root, 'vm');
mkdirSync(vm);
const { state, ...database } = temporaryState();
afterAll(() => {
  database[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** As if somebody had written it on purpose: the checksum fits, whatever stands there. */
function sealed(text: Buffer, checksumOf: (value: Manifest & MergeIntent) => string): Buffer {
  const value = parsedOf(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return text;
  try {
    return Buffer.from(`${JSON.stringify({ ...value, checksum: checksumOf(value as never) }, null, 2)}\n`);
  } catch {
    return text; // Too deep to be written.
  }
}

const soundManifests = [
  someManifest('b1', { disks: [someDisk('b1')] }),
  someManifest('b1', { vm: { name: 'pg test', context: 'vm', instance_uuid: 'u', path: '/DC/vm/x' } }),
  someManifest('b1', {
    parent: 'b0',
    disks: [someDisk('b1', 0, { mode: 'incremental', method: 'areas', parent: 'b0' })],
  }),
  someManifest('b1', {
    sequence: 1_763_690_000_001,
    vm_config: {
      path: 'b1.vm-config',
      bytes: 10,
      sha256: '3'.repeat(64),
      encryption: { format: 'openssl-enc', key_id: '0'.repeat(16) },
    },
    disks: [
      someDisk('b1', 0, {
        encryption: { format: 'luks', key_id: '0'.repeat(16) },
        envelope: `sha256:${'4'.repeat(64)}`,
      }),
      someDisk('b1', 7, { compression: { type: 'zstd', plain_bytes: 5 } }),
    ],
    warnings: ['a warning'],
  }),
].map((content) => ({ ...content, vm: { ...content.vm, context: 'vm' } }));
const manifests = fc
  .tuple(hostileJson(fc.constantFrom<unknown>(...soundManifests)), fc.nat(3))
  .map(([text, seals]) => (seals > 0 ? sealed(text, manifestChecksum) : text));

const rolledBack = new SendenseError('run.cancelled', 'rolled back');

/** Into a database that is as before afterwards. */
function inDatabase(work: () => void): void {
  try {
    state.transaction(() => {
      work();
      throw rolledBack;
    });
  } catch (error) {
    if (error !== rolledBack) throw error;
  }
}

fuzz('manifests of restore points', {
  input: manifests,
  few: 300,
  sound: soundManifests.map((content) => sealed(Buffer.from(JSON.stringify(content)), manifestChecksum)),
  attempt: async (text) => {
    const path = join(vm, 'b1.json');
    writeFileSync(path, text);
    await isManifest(root, 'vm', 'b1.json');
    const { result, paths } = await touched(() => judge(() => readManifest(path)));
    assertInside(vm, paths);
    const { accepted: manifest, refused } = result;
    await judge(() => readManifestExactly(path));
    const { accepted: there } = await judge(() => readContext(root, 'vm'));
    if (!manifest) return expect(refused.code).toBe('repository.damaged');
    expect(manifestChecksum(manifest)).toBe(manifest.checksum);
    expect(Number.isFinite(Date.parse(manifest.created)) && Number.isFinite(Date.parse(manifest.started))).toBe(true);
    expect(parentsFirst([manifest])).toEqual([manifest]);
    expect(new Set(manifest.disks.map(({ number }) => number)).size).toBe(manifest.disks.length);
    expect(new Set(manifest.disks.map(({ uuid }) => uuid)).size).toBe(manifest.disks.length);
    const named = [
      ...manifest.disks.flatMap((disk) => [disk.path, disk.index.path]),
      manifest.vm_config?.path ?? 'b1.vm-config',
    ];
    for (const file of named) expect(recogniseOwn(file, manifest.backup_id)).toBe(true);
    if ([...(there?.manifests.values() ?? [])].length > 0) {
      expect(manifest.vm.context).toBe('vm');
      expect(manifest.backup_id).toBe('b1');
    }
    inDatabase(() => insertRestorePoint(state, 'primary', manifest));
    return true;
  },
});

/** Relative to the folder of the VM, and of that restore point. */
const recogniseOwn = (path: string, id: string): boolean =>
  path === `${id}.vm-config` ||
  [`${id}.qcow2`, `${id}.index`].some((name) => path.endsWith(`/${name}`) && /^disk-[0-9e+.]+\/[^/]+$/.test(path));

const soundMarks = [
  {
    format: 'sendense-point-marks/1',
    protected: { since: 1_763_690_000_000, until: null, reason: 'audit', by: 'root' },
    broken: null,
  },
  {
    format: 'sendense-point-marks/1',
    protected: null,
    broken: {
      since: 1,
      disks: [0, 1],
      reason: 'it is damaged',
      run_id: null,
      judged: { manifest: null, disks: [{ number: 0, file_bytes: 1, file_mtime_ns: '1', envelope: null }] },
    },
  },
];

function sealedMarks(text: Buffer): Buffer {
  const value = parsedOf(text) as { format?: unknown; protected?: unknown; broken?: unknown } | null | undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return text;
  const { format, protected: kept, broken } = value;
  try {
    const checksum = sha256(JSON.stringify([format, kept, broken]));
    return Buffer.from(`${JSON.stringify({ format, protected: kept, broken, checksum }, null, 2)}\n`);
  } catch {
    return text;
  }
}

fuzz('marks of restore points', {
  input: fc
    .tuple(hostileJson(fc.constantFrom<unknown>(...soundMarks)), fc.boolean())
    .map(([text, seals]) => (seals ? sealedMarks(text) : text)),
  few: 200,
  sound: soundMarks.map((marks) => sealedMarks(Buffer.from(JSON.stringify(marks)))),
  attempt: async (text) => {
    writeFileSync(join(vm, 'b1.marks'), text);
    const { result, paths } = await touched(() => judge(() => readMarks(root, 'vm', 'b1')));
    assertInside(vm, paths);
    await judge(() => currentMarks(root, 'vm', 'b1'));
    if (result.refused) return expect(result.refused.code).toBe('repository.damaged');
    // Only the very text that such marks are written as counts.
    expect(marksIn(text.toString('utf8'))).toEqual(result.accepted);
    inDatabase(() => setMarks(state, { repository: 'primary', context: 'vm', backupId: 'b1' }, result.accepted));
    return result.accepted !== null;
  },
});

const soundIntents: unknown[] = [
  {
    format: 'sendense-merge/1',
    context: 'vm',
    name: 'b3',
    phase: 'prepared',
    removed: [
      {
        backup_id: 'b.2',
        checksum: `sha256:${'1'.repeat(64)}`,
        files: ['disk-0/b.2.qcow2', 'disk-0/b.2.index', 'b.2.vm-config', 'b.2.marks'],
      },
    ],
    child: {
      backup_id: 'b3',
      checksum: `sha256:${'2'.repeat(64)}`,
      parent: 'b1',
      manifest: null,
      disks: [
        {
          number: 0,
          direction: 'commit',
          run: [{ backup_id: 'b.2', file_bytes: 1, file_mtime_ns: '2' }],
          parent: 'b1',
          before: { backup_id: 'b3', file_bytes: 3, file_mtime_ns: '4' },
          begun: false,
          whole: true,
          after: null,
        },
      ],
    },
  },
  {
    format: 'sendense-merge/1',
    context: 'vm',
    name: 'b3',
    phase: 'unpublished',
    removed: [{ backup_id: 'b3', checksum: 'x', files: ['disk-12/b3.qcow2', 'disk-0/b3.index'] }],
    child: null,
  },
];
const intentChecksum = ({ checksum: _own, ...rest }: MergeIntent): string => sha256(canonical(rest));

fuzz('records of removals under way', {
  input: fc
    .tuple(hostileJson(fc.constantFrom(...soundIntents)), fc.integer({ min: 0, max: 3 }))
    .map(([text, seals]) => (seals > 0 ? sealed(text, intentChecksum) : text)),
  few: 200,
  sound: soundIntents.map((intent) => sealed(Buffer.from(JSON.stringify(intent)), intentChecksum)),
  attempt: async (text) => {
    writeFileSync(join(vm, 'b3.merge'), text);
    const { result, paths } = await touched(() => judge(() => readIntents(root, 'vm')));
    assertInside(vm, paths);
    if (result.refused) return expect(result.refused).toMatchObject({ code: 'repository.damaged' });
    blockedBy([], result.accepted);
    for (const intent of result.accepted) {
      // All of these may be removed.
      assertInside(
        vm,
        [...filesOfIntent(intent)].map((file) => join(root, file)),
      );
      for (const { backup_id: id, files } of intent.removed)
        for (const file of files)
          expect(
            file
              .split('/')
              .at(-1)
              ?.replace(/\.(qcow2|index|vm-config|marks)$/, ''),
          ).toBe(id);
    }
    return result.accepted.length > 0;
  },
});

const marker = { format: 'sendense-repository/1', id: '0b7e', created: '2026-11-20T01:30:00.000Z' };

fuzz('markers of repositories', {
  input: hostileJson(
    fc.constantFrom<unknown>(marker, {
      ...marker,
      checksum: sha256(JSON.stringify([marker.format, marker.id, marker.created])),
    }),
  ),
  attempt: async (text) => {
    writeFileSync(join(root, markerName), text);
    const { accepted, refused } = await judge(() => findRepository('primary', root));
    if (refused) expect(refused.code).toBe('repository.unusable');
    else expect(typeof accepted?.id).toBe('string');
    await markerFault(root);
  },
});

const soundRecord = {
  format: 'sendense-vm-lock/1',
  fence: 3,
  work: 'work-00000000-0000-4000-8000-000000000000',
  hub: 'h',
  host: 'other',
  machine: null,
  place: 'elsewhere',
  process: { pid: 4_194_303, start_time: '1', boot_id: 'b' },
  run: 'run-1',
  taken: '2026-11-20T01:30:00.000Z',
  silent_after_ms: 300_000,
};

fuzz('records of locks', {
  input: fc.tuple(
    hostileJson(fc.constantFrom<unknown>(soundRecord, { ...soundRecord, place: thisPlace(), process: thisProcess() })),
    fc.boolean(),
  ),
  few: 100,
  attempt: async ([text, held]) => {
    const folder = join(root, locksFolder, 'vm');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const path = join(folder, recordName(3));
    writeFileSync(path, text);
    const work = join(folder, soundRecord.work);
    if (held) mkdirSync(work);
    const { accepted: record } = await judge(() => readRecord(path));
    expect(record).toBeDefined();
    const { result, paths } = await touched(() =>
      judge(() => takeLock({ root, context: 'vm', locks: join(locksFolder, 'vm'), hub: 'me', run: 'run-2' })),
    );
    assertInside(
      join(root, '.sendense'),
      paths.filter((one) => one !== root && one !== '/etc/machine-id'),
    );
    // Whoever cannot be understood keeps the lock as long as there is a folder that may be theirs.
    if (record === 'foreign') expect(result.refused?.code ?? 'taken').toBe(held ? 'repository.damaged' : 'taken');
  },
});

fuzz('names of files in a repository', {
  input: changedValue(
    fc.constantFrom<unknown>(
      'vm/disk-0/20261121T013000Z-4f2a91.qcow2',
      'vm/20261121T013000Z-4f2a91.marks',
      'vm/.x.sendense-part',
    ),
  ).map((value) => jsonText(value)),
  attempt: (path) => recogniseName(path),
});
