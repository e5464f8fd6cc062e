import { expect, test } from 'vitest';
import { nodeClient } from '../../../src/host/node-api/node-client.ts';
import { patientClient, untilReachable } from '../../../src/steps/at-node/patient-client.ts';
import { cuttableLink } from '../../host/cuttable-link.ts';
import {
  finished,
  fullRequest,
  imageSpec,
  makeRaw,
  MiB,
  target,
  testNode,
  token,
  until,
  workshop,
} from '../../node/support.ts';

const open = new AbortController().signal;

test('calls outlive a time out of reach, half-open ones too; a start whose answer was lost is not made twice', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await using link = await cuttableLink({ path: at.path('link') }, { path: at.path('node.sock') });
  const logs: string[] = [];
  let alive = 0;
  const client = patientClient(nodeClient({ url: `unix:${at.path('link')}`, token }), {
    patienceMs: 60_000,
    answerMs: 200,
    signal: open,
    log: (message) => logs.push(message),
    alive: () => void alive++,
  });
  const disk = await makeRaw(at.path('disk.raw'), MiB, [[0, MiB]]);
  await using to = await target(at, 'full', MiB);
  const request = fullRequest('job-1', imageSpec(disk), [to.uri]);

  await link.cut();
  const starting = client.startBackup(request);
  await until(() => logs.length === 1, 'the first try has failed');
  await node.api.startBackup(request);
  await finished(node.api, 'job-1');
  await link.mend();
  // The job is over: to start it again would be an error.
  expect(await starting).toEqual({ job_id: 'job-1', status: 'succeeded' });

  link.freeze();
  const asking = client.status('job-1');
  await until(() => logs.some((line) => line.includes('no status of job job-1 within 0.2 s')), 'it is silent');
  await link.mend();
  expect(await asking).toMatchObject({ status: 'succeeded' });

  await link.cut();
  const fetching = client.getIndex('job-1', '0', at.path('index'));
  await until(() => logs.length === 5, 'it fails');
  await link.mend();
  await fetching;
  expect(logs.map((line) => line.replace(/^node at \S+: /, '').replace(/\d+ s$/, 'N s'))).toEqual([
    expect.stringMatching(/^POST \/api\/v1\/backup\/start: connect ENOENT .*; trying again for N s$/),
    'the node answers again after N s',
    'no status of job job-1 within 0.2 s; trying again for N s',
    'the node answers again after N s',
    expect.stringMatching(/^GET .*; trying again for N s$/),
    'the node answers again after N s',
  ]);
  expect(alive).toBeGreaterThanOrEqual(3);
  await client.remove('job-1');
});

test('patience has an end, a refusal needs none, and an abort ends it', async () => {
  await using at = await workshop();
  await using _node = await testNode(at);
  await using link = await cuttableLink({ path: at.path('link') }, { path: at.path('node.sock') });
  const address = { url: `unix:${at.path('link')}`, token };
  const how = { patienceMs: 300, signal: open, log: () => {} };
  await expect(patientClient(nodeClient(address), how).status('none')).rejects.toMatchObject({ code: 'job.unknown' });
  await link.cut();
  await expect(patientClient(nodeClient(address), how).status('none')).rejects.toMatchObject({
    code: 'node.unreachable',
  });
  const stop = new AbortController();
  const waiting = untilReachable(() => nodeClient(address).health(), {
    ...how,
    patienceMs: 60_000,
    signal: stop.signal,
  });
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
