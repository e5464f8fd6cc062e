import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import type { WrittenMachine } from '../../src/schemas/types.ts';
import { virtioConverting } from '../../src/targets/kvm/convert-vm.ts';
import { kvmTarget } from '../../src/targets/kvm/kvm-target.ts';
import type { ConvertRun, ToOf } from '../../src/targets/target-kind.ts';
import { sameContent, writeInto } from '../host/disk-images.ts';
import { savedConfig, savedController, savedDisk } from '../machines/saved-config.ts';
import { MiB, workshop } from '../node/support.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { standInV2v, type V2vBehaviour } from '../simulators/virt-v2v.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';

const runId = `run-converts-${process.pid}`;

afterEach(() => vi.unstubAllEnvs());

/** A VM whose disks are written and not published. */
async function written(guestId: string, disksOfVm = 2) {
  const at = await workshop();
  const raw = await Promise.all(
    Array.from({ length: disksOfVm }, (_, number) => rawDisk(at.path(`${number}.raw`), MiB, [[65_536, 512]])),
  );
  await writeInto(raw[0] ?? '', [0, bootSector('login: ')]);
  const text = JSON.stringify(
    savedConfig({
      guest_id: guestId,
      disks: raw.map((_, number) => savedDisk(number)),
      controllers: [savedController(1000, 'ParaVirtualSCSIController')],
    }),
  );
  await writeFile(at.path('saved.vm-config'), text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const { disks, from } = await restoredDisks(at, raw, {
    vm_config: { file: at.path('saved.vm-config'), sha256, encryption: null },
  });
  const to: ToOf<'kvm'> = {
    kvm: at.path('vm'),
    libvirt: 'none',
    connect: false,
    mac: 'new',
    identity: 'new',
    start: false,
    memory: '64MiB',
    convert: { to: 'virtio', timeout: '60s', accel: 'tcg' },
  };
  const request = { to, disks, from };
  const facts = { runId, stepId: 'write', planFolder: at.folder };
  const claim = kvmTarget.claim(to, disks, facts);
  const run = {
    ...facts,
    signal: new AbortController().signal,
    log: () => undefined,
    progress: () => undefined,
    remember: () => undefined,
  };
  return {
    at,
    raw,
    request,
    claim,
    write: async () => {
      const { files, machine } = await kvmTarget.write(request, claim, run);
      return { files, machine: machine as WrittenMachine };
    },
    own: (files: Parameters<typeof virtioConverting.claim>[1]) => virtioConverting.claim(to, files, facts),
    behaves: async (behaviour: V2vBehaviour) => {
      const env = await standInV2v(at.folder, behaviour, bootSector('converted: login: '));
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    },
    convertRun: (folder: string, more: Partial<ConvertRun> = {}): ConvertRun => ({
      ...run,
      folder,
      signs: { serial: 'login:', agent: false, stillMs: null },
      timeoutMs: 60_000,
      picture: null,
      alive: () => undefined,
      ...more,
    }),
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

test('what was begun to be kept is kept to the end by the next attempt, without another conversion', async () => {
  await using vm = await written('debian12_64Guest');
  await vm.behaves('converts');
  const { files, machine } = await vm.write();
  const own = vm.own(files);
  const parts = (own as { parts: string }).parts;
  const verdict = join(parts, `converted.${runId}.sendense-part`);
  const interrupted = new AbortController();
  // qemu-img tells how far it is with the first disk.
  const alive = (): void => void exists(verdict).then((is) => is && interrupted.abort(new Error('stopped')));
  await using first = await workshop();
  await expect(
    virtioConverting.convert(
      vm.request,
      { files, machine },
      own,
      vm.convertRun(first.folder, { signal: interrupted.signal, alive }),
    ),
  ).rejects.toThrow('stopped');
  expect(await exists(verdict)).toBe(true);
  await vm.behaves('fails');
  await using second = await workshop();
  const done = await virtioConverting.convert(vm.request, { files, machine }, own, vm.convertRun(second.folder));
  expect(done).toMatchObject({ problem: null, sign: 'serial', machine: { uuid: machine.uuid, mark: machine.mark } });
  expect((await readFile(files[0]?.temporary ?? '')).includes('converted: login: ')).toBe(true);
  expect(await sameContent(files[1]?.temporary ?? '', vm.raw[1] ?? '')).toBe(true);
  expect(done.machine?.xml).toContain('bus="virtio"');
  expect(await exists(verdict)).toBe(false);
  await kvmTarget.undoWrite(vm.claim, {});
  expect(await exists(parts)).toBe(false);
});

test.each([
  ['windows2019srv_64Guest', 2, 'virt-v2v needs the drivers of virtio-win'],
  ['debian12_64Guest', 21, 'on virtio there is room for 20 disks'],
])('%s with %i disks is refused before anything is written', async (guestId, disks, words) => {
  await using vm = await written(guestId, disks);
  await vm.behaves('converts');
  await expect(kvmTarget.assertFree(vm.request, vm.claim)).rejects.toMatchObject({
    code: 'target.unfit',
    message: expect.stringContaining(words) as string,
  });
  // With the drivers it is not.
  await writeFile(vm.at.path('virtio-win.iso'), '');
  const to = {
    ...vm.request.to,
    convert: { to: 'virtio', timeout: '1h', accel: 'tcg', virtioWin: 'virtio-win.iso' } as const,
  };
  if (disks === 2) await kvmTarget.assertFree({ ...vm.request, to }, vm.claim);
});
