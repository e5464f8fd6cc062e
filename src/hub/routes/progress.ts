import type { Call } from '../../api/route.ts';
import { seesOf } from './list-answer.ts';
import { defineRoute, type HubParts } from './route.ts';
import { knownRun, runParams } from './runs.ts';

type ProgressCall = Pick<Call<HubParts>, 'parts' | 'caller'>;

/** How far the runs are that the caller may know of, as JSON. It is made once for all who ask until a run says more. */
export async function progressText({ parts, caller }: ProgressCall): Promise<string> {
  const { pages } = parts.hub;
  const sees = seesOf({ caller });
  if (sees) return JSON.stringify(await pages.progress({ sees }));
  const key = `progress ${await pages.markOfProgress(null)}`;
  return parts.remembered.text(key, () => pages.progress({}));
}

/** How far one run is, as JSON. @throws SendenseError `run.unknown` */
export async function runProgressText({ parts }: Pick<ProgressCall, 'parts'>, id: string): Promise<string> {
  const { pages } = parts.hub;
  const key = `progress of ${id} ${await pages.markOfProgress(id)}`;
  return parts.remembered.text(key, () => pages.runProgress(id));
}

export const showProgress = defineRoute({
  id: 'showProgress',
  method: 'GET',
  path: '/api/v1/progress',
  tag: 'status',
  right: 'look',
  vms: 'heeded',
  summary: 'How far the runs are that go on',
  description: 'At most two seconds old. The topic `progress` of `/api/v1/events` tells each change of it.',
  answers: { 200: { description: 'The sum of the disks of each run.', schema: 'hub/progress.json' } },
  errors: [],
  quiet: true,
  handle: (call) => progressText(call),
});

export const showRunProgress = defineRoute({
  id: 'showRunProgress',
  method: 'GET',
  path: '/api/v1/runs/{id}/progress',
  tag: 'runs',
  right: 'look',
  vms: 'heeded',
  summary: 'How far a run is, disk by disk',
  description:
    'At most two seconds old. The topic `progress:ID` of `/api/v1/events` tells each change of it. Of a run that has ended there is no step.',
  params: runParams,
  answers: { 200: { description: 'How far it is.', schema: 'hub/run-progress.json' } },
  errors: ['run.unknown'],
  quiet: true,
  handle: (call) => runProgressText(call, knownRun(call)),
});
