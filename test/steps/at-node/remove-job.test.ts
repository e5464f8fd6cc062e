import { expect, test } from 'vitest';
import type { NodeClient } from '../../../src/host/node-api/node-client.ts';
import type { JobStatus } from '../../../src/schemas/types.ts';
import { removeJob } from '../../../src/steps/at-node/remove-job.ts';

const running = (activity: string | null): JobStatus => ({
  job_id: 'job-1',
  vm_name: 'pgtest1',
  status: 'running',
  started: 1,
  finished: null,
  updated: 1,
  error: null,
  warnings: [],
  disks: [],
  activity,
});

/** A node whose job does these things one after the other, and whose removal ends with `answer` after the last of them. */
function slowNode(activities: readonly (string | null | Error)[], answer: boolean): NodeClient {
  const told = Promise.withResolvers<void>();
  let asked = 0;
  return {
    status: async () => {
      const now = activities[Math.min(asked++, activities.length - 1)] ?? null;
      if (asked > activities.length) told.resolve();
      if (now instanceof Error) throw now;
      return running(now);
    },
    end: async () => (await told.promise, { gone: answer, left: null }),
  } as unknown as NodeClient;
}

const remove = async (node: NodeClient) => {
  const said: string[] = [];
  const signal = AbortSignal.timeout(200_000);
  return { ...(await removeJob(node, 'job-1', { log: (line) => void said.push(line), signal })), said };
};

test('what is waited for is said while it is waited for, each once', async () => {
  const node = slowNode([null, 'removing x', 'removing x', new Error('no answer'), 'x is not removed'], false);
  expect(await remove(node)).toEqual({
    gone: false,
    activity: 'x is not removed',
    left: null,
    said: ['waiting for job job-1 to end: removing x', 'waiting for job job-1 to end: x is not removed'],
  });
});

test('a job that ends at once is not spoken of', async () => {
  const node = {
    status: async () => running('removing x'),
    end: async () => ({ gone: true, left: [] }),
  } as unknown as NodeClient;
  expect(await remove(node)).toEqual({ gone: true, activity: null, left: [], said: [] });
});
