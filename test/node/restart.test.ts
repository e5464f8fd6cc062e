import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { ask, raw } from './raw-request.ts';
import {
  finished,
  fullRequest,
  imageSpec,
  makeRaw,
  MiB,
  sha256Of,
  slowTarget,
  target,
  testNode,
  until,
  workshop,
  type TestNode,
} from './support.ts';

/** What each route that reads says of these jobs; times that go on are left out. */
async function told(node: TestNode, key: string): Promise<unknown> {
  const { jobs } = await ask<{ jobs: { job_id: string; status: string }[] }>(node, 'GET', '/api/v1/jobs');
  const of = (path: string): Promise<unknown> => ask(node, 'GET', path);
  return {
    jobs: jobs.map(({ job_id: id, status }) => [id, status]),
    good: await of('/api/v1/status/good'),
    bad: await of('/api/v1/status/bad'),
    log: await of('/api/v1/jobs/good/log'),
    badLog: await of('/api/v1/jobs/bad/log'),
    vmConfig: await of('/api/v1/jobs/good/vm-config'),
    index: await of(`/api/v1/jobs/good/indexes/${key}`),
    none: (await raw(node, 'GET', '/api/v1/jobs/bad/vm-config')).status,
  };
}

test(
  'a node that was restarted answers every route as before, and its jobs went on',
  { timeout: 300_000 },
  async () => {
    await using at = await workshop();
    await using vcenter = await startVcenter();
    const vm = await vcenter.addVm({
      name: 'pgtest1',
      cbt: true,
      disks: [{ capacity: MiB, content: Buffer.alloc(9000, 7) }],
    });
    const key = String(vm.disks[0]?.key);
    await using to = await target(at, 'to', MiB);
    await using slow = await slowTarget(at, 'slow', 64 * MiB);
    const disk = await makeRaw(at.path('disk.raw'), 64 * MiB, [[0, 64 * MiB]]);
    const running = { ...fullRequest('running', imageSpec(disk), [slow.uri]), tuning: { connections: 1, requests: 1 } };
    const good = {
      job_id: 'good',
      vm_name: 'pgtest1',
      vm_path: vm.path,
      vcenter_host: `${vcenter.host}:${vcenter.port}`,
      vcenter_user: vcenter.user,
      vcenter_password: vcenter.password,
      vcenter_thumbprint: vcenter.thumbprint,
      nbd_targets: `${key}:${to.uri}`,
      backup_type: 'full' as const,
    };
    const index = await makeRaw(at.path('index'), 4096, [[0, 4096]]);
    const sha256 = await sha256Of(index);
    let before: unknown;
    {
      await using node = await testNode(at);
      await node.api.startBackup(good);
      await node.api.startBackup(fullRequest('bad', imageSpec(disk), ['nbd://127.0.0.1:1/none']));
      expect(await finished(node.api, 'good')).toMatchObject({ status: 'succeeded' });
      expect(await finished(node.api, 'bad')).toMatchObject({ status: 'failed' });
      await node.api.startBackup(running);
      await until(async () => (await node.api.status('running')).disks[0]?.phase === 'copying', 'it copies');
      await node.api.putIndex(sha256, index);
      before = await told(node, key);
    }
    await using node = await testNode(at);
    expect(await told(node, key)).toEqual(before);
    expect(await node.api.health()).toMatchObject({ jobs_running: 1 });
    expect(await readdir(join(node.stateDir, 'indexes'))).toEqual([`${sha256}.index`]);
    // The same request is the same job; another of its id has to wait.
    expect(await node.api.startBackup(running)).toEqual({ job_id: 'running', status: 'running' });
    await expect(node.api.startBackup(good)).rejects.toMatchObject({ code: 'node.busy' });
    await until(async () => ((await node.api.status('running')).disks[0]?.rate ?? 0) > 0, 'it goes on');
    await node.api.cancel('running');
    expect(await finished(node.api, 'running')).toMatchObject({ status: 'cancelled' });
    await node.api.remove('running');
    const cleaned = await ask(node, 'POST', '/api/v1/cleanup', { older_than_seconds: 0 });
    expect(cleaned).toMatchObject({ jobs: [{ job_id: 'bad' }, { job_id: 'good' }], indexes: [{ sha256 }], strays: [] });
    expect(await readdir(join(node.stateDir, 'jobs'))).toEqual([]);
    await node.api.startBackup(fullRequest('good', imageSpec(at.path('index')), ['nbd://127.0.0.1:1/none']));
    expect(await finished(node.api, 'good')).toMatchObject({ status: 'failed', vm_name: 'pgtest1' });
    await node.api.remove('good');
    await to.server.stop();
    execFileSync('qemu-img', ['compare', '-q', '-f', 'qcow2', '-F', 'raw', to.file, await vm.frozen(0)]);
  },
);
