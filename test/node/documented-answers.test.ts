import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeApi } from '../../src/node/routes/index.ts';
import { askAll, type AskedRoute } from '../api/documented.ts';
import { openApiFile } from '../tools/generate-openapi.ts';
import { ask, raw } from './raw-request.ts';
import { finished, fullRequest, imageSpec, makeRaw, MiB, sha256Of, target, testNode, workshop } from './support.ts';

test('the node serves its document, to who has the token', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  expect(await ask(node, 'GET', '/api/v1/openapi.json')).toEqual(JSON.parse(readFileSync(openApiFile, 'utf8')));
  expect((await raw(node, 'GET', '/api/v1/openapi.json', '', { authorization: '' })).status).toBe(401);
});

test('every route of the node answers what it announces: where it does well, and where it is asked what it cannot do', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, 65_536]]);
  const index = await makeRaw(at.path('index'), 4096, [[0, 4096]]);
  await using to = await target(at, 'to', MiB);
  await using kept = await target(at, 'kept', MiB);
  const start = fullRequest('j1', imageSpec(disk), [to.uri]);
  const vsphere = {
    vm_name: 'x',
    vcenter_host: '127.0.0.1:1',
    vcenter_user: 'u',
    vcenter_password: 'p',
    vcenter_thumbprint: null,
  };
  const toImage = { source: imageSpec(disk), run: 'r', point: 'p' };
  const inPlace = {
    job_id: 'j4',
    vm: 'vm-1',
    name: 'x',
    safety: null,
    takes_over: null,
    disks: [{ key: '0', uuid: 'd', bytes: 512, index: '0'.repeat(64), base: null }],
    compare_all: false,
    power_on: false,
    nbd_sources: '0:nbd://127.0.0.1:1/a',
  };
  const attach = { source: imageSpec(disk), vm: null };
  const bytes = { 'content-type': 'application/octet-stream' };
  const login = { 'x-vcenter-host': '127.0.0.1:1', 'x-vcenter-user': 'u', 'x-vcenter-password': 'p' };
  const json = JSON.stringify;
  // Those of one route may differ in how they end.
  const refused = await askAll(node, nodeApi.routes, [
    ['health', {}, ''],
    ['config', {}, ''],
    ['openapi', {}, ''],
    ['metrics', {}, ''],
    ['askDoctor', {}, '{}'],
    ['indexFormats', {}, ''],
    ['discover', {}, json({ vm_name: 'x', source: imageSpec(disk) })],
    ['discover', {}, json({ vm_name: 'x', source: imageSpec('/none.raw') })],
    ['testDataPath', {}, json({ ports: [1] })],
    ['putIndex', { sha256: await sha256Of(index) }, readFileSync(index), bytes],
    ['putIndex', { sha256: '0'.repeat(64) }, readFileSync(index), bytes],
    ['startBackup', {}, json(start)],
    ['startBackup', {}, json({ ...start, backup_type: 'incremental' })],
    ['replicate', {}, json({ ...start, job_id: 'j2', nbd_targets: `0:${kept.uri}`, target_holds: 'anything' })],
    ['jobStatus', { job: 'j1' }, '', {}, () => Promise.all(['j1', 'j2'].map((job) => finished(node.api, job)))],
    ['listJobs', {}, ''],
    ['jobIndex', { job: 'j1', key: '0' }, ''],
    ['jobIndex', { job: 'j1', key: '7' }, ''],
    ['jobVmConfig', { job: 'j1' }, ''],
    ['jobLog', { job: 'j1' }, ''],
    ['cancelJob', { job: 'j1' }, '{}'],
    ['checkRestore', {}, json({ ...toImage, vm: {} })],
    ['startRestore', {}, json({ ...toImage, vm: {} })],
    [
      'compareRestore',
      {},
      json({ ...toImage, job_id: 'j3', name: 'x', disks: [{ key: '0', saved_key: '0', index: '0'.repeat(64) }] }),
    ],
    ['finishRestore', {}, json({ ...toImage, vm: 'vm-1', action: 'look', power_on: false })],
    ['powerRestore', {}, json({ ...toImage, vm: 'vm-1', action: 'wait', wait_seconds: 0 })],
    ['undoRestore', {}, json({ ...toImage, jobs: [], keep_copied: false })],
    [
      'checkInPlace',
      {},
      json({ ...toImage, instance_uuid: 'u', name: 'x', disks: [{ uuid: 'd', bytes: 512 }], power_on: false }),
    ],
    ['startInPlace', {}, json({ ...toImage, ...inPlace })],
    ['endInPlace', {}, json({ ...toImage, vm: 'vm-1', action: 'look', jobs: [], power_on: false })],
    [
      'checkAttach',
      {},
      json({ ...attach, of: 'x', point: 'p', instance_uuid: null, disks: ['disk-0'], datastore: null }),
    ],
    [
      'endAttach',
      {},
      json({ ...toImage, of: 'x', vm: 'vm-1', disks: [{ disk: 'disk-0', key: '0', device_key: '0' }], action: 'look' }),
    ],
    ['attachedDisks', {}, json(attach)],
    ['detachDisks', {}, json({ ...attach, vm: 'vm-1', disks: ['a'], forget: false })],
    ['cleanup', {}, '{}'],
    ['cleanup', {}, json({ job_id: 'j1', source: imageSpec(disk) })],
    ['removeJob', { job: 'j1' }, ''],
    ['testCredentials', {}, json(vsphere)],
    ['vmSpecChanges', {}, json({ ...vsphere, since: {} })],
    ['cbtStatus', { path: 'vm-1' }, '', login],
    ...['jobStatus', 'jobIndex', 'jobVmConfig', 'jobLog', 'cancelJob', 'removeJob'].map((id): AskedRoute => [
      id,
      { job: 'none', key: '0' },
      id === 'cancelJob' ? '{}' : '',
    ]),
  ]);
  await node.api.remove('j2');
  // What a vCenter has to answer is in vsphere/; the configuration of a VM comes from one only.
  const restores = ['checkRestore', 'startRestore', 'compareRestore', 'finishRestore', 'powerRestore', 'undoRestore'];
  restores.push('checkInPlace', 'startInPlace', 'endInPlace');
  restores.push('checkAttach', 'endAttach', 'attachedDisks', 'detachDisks');
  expect(refused.filter((id) => !restores.includes(id))).toEqual([
    'testCredentials',
    'cbtStatus',
    'vmSpecChanges',
    'jobVmConfig',
  ]);
});
