import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { createIndexWriter } from '../../src/blocks/block-index.ts';
import { checkAll } from '../../src/hub/check/check-all.ts';
import { collectGarbage } from '../../src/hub/repositories/collect-garbage.ts';
import { describeRepositories } from '../../src/hub/repositories/describe-repositories.ts';
import { repairRepository } from '../../src/hub/repositories/repair-repository.ts';
import { importRepository } from '../../src/hub/import/import-repository.ts';
import { faultsOfCopies } from '../../src/repository/stored-files/state-copies.ts';
import { locksFolder, markerName, trashFolder } from '../../src/repository/layout.ts';
import { manifestChecksum } from '../../src/repository/manifest.ts';
import { holdVm } from '../../src/repository/vm-lock/hold-vm.ts';
import { someDisk, someManifest } from '../repository/some-manifest.ts';
import { stepBench, type StepBench } from '../steps/step-bench.ts';
import { fuzz, judge } from './harness.ts';
import { hostileJson } from './hostile-json.ts';
import { hostileEntries, Trees, type Entry } from './hostile-tree.ts';
import { assertInside, touched } from './touched.ts';

const id = '20260101T000000Z-4f2a91';
const other = '20260102T000000Z-4f2a92';
const work = 'work-00000000-0000-4000-8000-000000000000';
const copy = 'state-20260101-v5-0123abcd.db';
const secret = 'a text of another place';
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

let bench: StepBench;
let trees: Trees;
let sound = '';
let root = '';
beforeAll(async () => {
  trees = new Trees(JSON.stringify({ format: 'sendense-restore-point/1', backup_id: secret, checksum: secret }));
  bench = await stepBench({ repositories: { second: { path: './second', minFree: 0 } } });
  [sound, root] = [join(trees.path, 'sound'), bench.services.repositoryPath('second')];
  await makeSound(sound);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  trees[Symbol.dispose]();
});

/** A repository with one restore point, something in the trash, a lock that was given back, and a copy of a state database. */
async function makeSound(folder: string): Promise<void> {
  const at = (path: string): string => join(folder, path);
  for (const path of ['vm/disk-0', join(trashFolder, '20260101T000000Z', 'vm'), join(locksFolder, 'vm')])
    mkdirSync(at(path), { recursive: true });
  const [image, index] = [`vm/disk-0/${id}.qcow2`, `vm/disk-0/${id}.index`];
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', at(image), '65536']);
  {
    await using writer = await createIndexWriter(at(index), { capacity: 65_536 });
    await writer.finish();
  }
  const [imageBytes, indexBytes] = [readFileSync(at(image)), readFileSync(at(index))];
  const disk = someDisk(id, 0, {
    file_bytes: imageBytes.length,
    capacity_bytes: 65_536,
    index: { path: `disk-0/${id}.index`, bytes: indexBytes.length, sha256: sha256(indexBytes) },
  });
  const content = someManifest(id, { vm: { name: 'vm', context: 'vm' }, disks: [disk] });
  const manifest = { ...content, checksum: manifestChecksum(content) };
  writeFileSync(at(`vm/${id}.json`), `${JSON.stringify(manifest, null, 2)}\n`);
  const created = '2026-01-01T00:00:00.000Z';
  writeFileSync(at(markerName), `${JSON.stringify({ format: 'sendense-repository/1', id: 'r', created }, null, 2)}\n`);
  writeFileSync(at(join('.sendense', copy)), 'a copy');
  writeFileSync(at(join('.sendense', `${copy}.sha256`)), `${sha256(Buffer.from('a copy'))}  ${copy}\n`);
}

const places = [
  '',
  '.sendense',
  trashFolder,
  join(trashFolder, '20260101T000000Z'),
  join(trashFolder, '20260101T000000Z', 'vm'),
  locksFolder,
  join(locksFolder, 'vm'),
  join(locksFolder, 'vm', work),
  'vm',
  'vm/disk-0',
  'vm/disk-1',
  'other',
];
const names = [
  'vm',
  'disk-0',
  'disk-1',
  '.sendense',
  'trash',
  'locks',
  '.marks',
  'lost+found',
  markerName,
  '20260101T000000Z',
  '20991231T235959Z',
  '20260101T000000Z.old',
  copy,
  `${copy}.sha256`,
  work,
  'alive',
  'record',
  '000000000003.json',
  '999999999999.json',
  '000000000000.json',
  ...[id, other].flatMap((one) =>
    ['json', 'marks', 'merge', 'vm-config', 'qcow2', 'index'].flatMap((ending) => [
      `${one}.${ending}`,
      `${one}.${ending}.sendense-part`,
    ]),
  ),
  '.00000000-0000-4000-8000-000000000000.sendense-part',
];
const texts = hostileJson(
  fc.constantFrom<unknown>(
    { format: 'sendense-vm-lock/1', fence: 3, work },
    { format: 'sendense-merge/1', context: 'vm', name: id },
    { format: 'sendense-point-marks/1' },
    { format: 'sendense-vm-config/1' },
    null,
  ),
);

/** All that a hub does with a repository that others can write to, as far as it needs no restore point of its own. */
const acts: readonly (() => Promise<unknown>)[] = [
  () => describeRepositories(bench.services, { repository: 'second', probe: false }),
  () => importRepository({ state: bench.state, repository: 'second', root }),
  () => checkAll(bench.services, { repository: 'second', deep: false } as never),
  () => faultsOfCopies(root),
  async () => {
    await using _hold = await holdVm({ root, context: 'vm', hub: 'h', run: 'fuzz' });
  },
  () => collectGarbage(bench.services, { repository: 'second', dryRun: false, purge: false, now: Date.now() + 1e10 }),
  () => repairRepository(bench.services, 'second'),
];

/** Some of the acts, in their order. */
type Case = readonly [entries: readonly Entry[], which: readonly number[]];

const attempt = async ([entries, which]: Case): Promise<boolean> => {
  cpSync(sound, root, { recursive: true });
  let refused = false;
  try {
    for (const entry of entries) trees.place(root, entry);
    for (const act of acts.filter((_act, at) => which.includes(at))) {
      const { result, paths } = await touched(() => judge(act));
      assertInside(
        root,
        paths.filter(
          (path) =>
            path !== dirname(root) &&
            // Where the hub looks for its own folders.
            path !== tmpdir() &&
            !/^\/(sys|dev\/shm$|etc\/machine-id)|\/sendense-[0-9]+(\/check-[^/]*)?$/.test(path),
        ),
      );
      if (result.refused) expect(result.refused.message).not.toContain(secret);
      else expect(JSON.stringify(result.accepted) ?? '').not.toContain(secret);
      refused ||= result.refused !== undefined;
    }
    trees.assertOutside();
  } finally {
    rmSync(root, { recursive: true, force: true });
    for (const table of ['backup_disks', 'backups', 'vm_disks', 'vm_contexts'])
      bench.state.run(bench.state.query.deleteFrom(table as never));
  }
  return !refused;
};

fuzz('what stands in a repository', {
  input: fc.tuple(
    hostileEntries(places, names, texts),
    fc.oneof(
      { weight: 4, arbitrary: fc.nat(acts.length - 1).map((which) => [which]) },
      { weight: 1, arbitrary: fc.subarray(Object.keys(acts).map(Number), { minLength: 2, maxLength: 3 }) },
    ),
  ),
  few: 40,
  sound: [[[], Object.keys(acts).map(Number)]],
  attempt,
});
