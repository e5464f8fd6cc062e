import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { oneAtATime } from '../../../host/system/one-at-a-time.ts';
import type { HubPlanFile, HubPlanFiles, PlanFileNew, PlanFileSave } from '../../../schemas/types.ts';
import type { PlanFileText } from '../../plan-files/plan-files.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { assertValid } from './check-text.ts';
import { askerOf } from '../asker.ts';
import { assertEditable } from './editable.ts';

const base = { tag: 'plans', right: 'plan' } as const;
const params = { file: { description: 'Path of the file below the folder of the plans.', logAs: 'file' } } as const;
const version = {
  'if-match': {
    description: 'ETag of `GET /api/v1/plan-files/{file}`: nothing happens if somebody else changed the file.',
  },
} as const;
const readErrors = ['plan.locked', 'plan.file', 'file.unreadable'] as const;
const changeErrors = [...readErrors, 'plan.changed', 'plan.unread', 'plan.unwritable'] as const;
/** As long as a plan may be, and what JSON adds to it. Bytes. */
const textBytes = 4 * 1024 * 1024;

type FileCall = Pick<Call<HubParts, unknown>, 'params' | 'header' | 'answer'>;

const nameOf = ({ params: { file = '' } }: Pick<FileCall, 'params'>): string => file;

/** @throws SendenseError `plan.unread` */
function fromOf({ header }: FileCall): string {
  const from = header('if-match');
  if (from === null) throw new SendenseError('plan.unread', 'the request has no If-Match');
  return from;
}

function answered({ answer }: Pick<FileCall, 'answer'>, { file, text, version: tag }: PlanFileText): HubPlanFile {
  answer.header('etag', tag);
  return { version: 1, file, etag: tag, text };
}

/** Texts are judged and saved one after another: of two at once, neither would see that the other has the same name. */
const alone = oneAtATime();

const listPlanFiles = defineRoute({
  ...base,
  id: 'listPlanFiles',
  method: 'GET',
  path: '/api/v1/plan-files',
  summary: 'Files of plans, by name, and whether each is valid',
  description:
    'Those below `hub: plans`. Without `hub: editPlans` there are none, and all other requests about plan files are refused.',
  answers: { 200: { description: 'All of them.', schema: 'hub/plan-files.json' } },
  errors: ['file.unreadable'],
  quiet: true,
  async handle({ parts }): Promise<HubPlanFiles> {
    const { folder, editable, list } = parts.hub.planFiles;
    return { version: 1, editable, folder, files: editable ? await list() : [] };
  },
});

const readPlanFile = defineRoute({
  ...base,
  id: 'readPlanFile',
  method: 'GET',
  path: '/api/v1/plan-files/{file}',
  summary: 'A plan file as it is',
  description: 'Its ETag is the version that a change of the file is made from. Write a slash of the path as `%2F`.',
  params,
  answers: { 200: { description: 'Its text.', schema: 'hub/plan-file.json' } },
  errors: readErrors,
  async handle(call): Promise<HubPlanFile> {
    const { planFiles } = call.parts.hub;
    assertEditable(planFiles);
    return answered(call, planFiles.read(nameOf(call)));
  },
});

const createPlanFile = defineRoute<PlanFileNew>({
  ...base,
  id: 'createPlanFile',
  method: 'POST',
  path: '/api/v1/plan-files',
  summary: 'Makes a plan file',
  description: 'A text that is no valid plan is refused, unless `force` says to save it.',
  fresh: true,
  body: { schema: 'hub/plan-file-new.json', bytes: textBytes },
  answers: { 201: { description: 'The new file.', schema: 'hub/plan-file.json', headers: ['location', 'etag'] } },
  errors: [
    'plan.locked',
    'plan.file',
    'file.exists',
    'file.unreadable',
    'plan.invalid',
    'plan.unwritable',
    'disk.full',
  ],
  logOf: ({ file, force = false }) => ({ file, ...(force && { force: 'yes' }) }),
  async handle(call): Promise<HubPlanFile> {
    const { parts, body, answer } = call;
    const { planFiles } = parts.hub;
    assertEditable(planFiles);
    const made = await alone('changes', async () => {
      if (body.force !== true) await assertValid(parts, body, askerOf(call));
      return planFiles.create(body.file, body.text);
    });
    answer.header('location', `/api/v1/plan-files/${encodeURIComponent(body.file)}`);
    return answered(call, made);
  },
});

const savePlanFile = defineRoute<PlanFileSave>({
  ...base,
  id: 'savePlanFile',
  method: 'PUT',
  path: '/api/v1/plan-files/{file}',
  summary: 'Replaces the text of a plan file',
  description:
    'Byte for byte, all at once; owner and mode stay. If somebody saved the file meanwhile, the answer is 412, and its ETag is the version that is there now. A text that is no valid plan is refused, unless `force` says to save it.',
  fresh: true,
  params,
  headers: version,
  body: { schema: 'hub/plan-file-save.json', bytes: textBytes },
  answers: { 200: { description: 'The file as it is now.', schema: 'hub/plan-file.json', headers: ['etag'] } },
  errors: [...changeErrors, 'plan.invalid', 'disk.full'],
  logOf: ({ force = false }): Record<string, string> => (force ? { force: 'yes' } : {}),
  async handle(call): Promise<HubPlanFile> {
    const { parts, body } = call;
    const { planFiles } = parts.hub;
    assertEditable(planFiles);
    const [file, from] = [nameOf(call), fromOf(call)];
    const saved = await alone('changes', async () => {
      if (body.force !== true) await assertValid(parts, { file, text: body.text }, askerOf(call));
      return planFiles.replace(file, body.text, { from });
    });
    return answered(call, saved);
  },
});

const removePlanFile = defineRoute({
  ...base,
  id: 'removePlanFile',
  method: 'DELETE',
  path: '/api/v1/plan-files/{file}',
  summary: 'Removes a plan file',
  description: 'The daemon schedules its plan no more. Its restore points stay.',
  fresh: true,
  params,
  headers: version,
  answers: { 204: { description: 'It is gone.' } },
  errors: changeErrors,
  async handle(call): Promise<undefined> {
    const { planFiles } = call.parts.hub;
    assertEditable(planFiles);
    planFiles.remove(nameOf(call), { from: fromOf(call) });
  },
});

/** Plan files, for who edits them. */
export const planFileRoutes = [listPlanFiles, readPlanFile, createPlanFile, savePlanFile, removePlanFile] as const;
