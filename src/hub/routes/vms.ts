import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import type { Parameter } from '../../api/route.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubOneVm, HubVms } from '../../schemas/types.ts';
import type { DaysRequest } from '../pages/pages.ts';
import { number, numberOf } from '../../api/numbers.ts';
import { shared } from './list-answer.ts';
import { offsetOf, offsetQuery } from './offset.ts';
import { defineRoute } from './route.ts';

const pages: PageRules = { usual: 100, most: 300, place: ['text'] };
const mostDays = 92;

const daysQuery: Readonly<Record<'days' | 'offset', Parameter>> = {
  days: number(`How the backups of the last days ended, today among them; default 0, at most ${mostDays}.`, [
    0,
    mostDays,
  ]),
  offset: offsetQuery,
};

export const listVms = defineRoute({
  id: 'listVms',
  method: 'GET',
  path: '/api/v1/vms',
  tag: 'vms',
  right: 'look',
  vms: 'heeded',
  summary: 'VMs, and how well they are protected',
  description: 'All that a plan or a restore point names, by name.',
  query: { ...daysQuery, ...pageQuery(pages) },
  answers: { 200: { description: 'A page of them.', schema: 'hub/vms.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listVms', (sees): HubVms => {
      const { query, parts } = call;
      const asked = pageRequest('vms', query, pages);
      const page = parts.hub.pages.vms({ ...daysOf(query), sees }, asked);
      const { entries, next, firstDay } = page;
      return {
        version: 1,
        time: Date.now(),
        first_day: firstDay,
        vms: [...entries],
        next_cursor: cursorOf(next, asked),
      };
    }),
});

export const showVm = defineRoute({
  id: 'showVm',
  method: 'GET',
  path: '/api/v1/vms/{vm}',
  tag: 'vms',
  right: 'look',
  vms: 'heeded',
  summary: 'One VM, and how well it is protected',
  params: { vm: { description: 'Name of the VM.', logAs: 'vm' } },
  query: daysQuery,
  answers: { 200: { description: 'The VM.', schema: 'hub/one-vm.json' } },
  errors: ['vm.unknown'],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showVm', (sees): HubOneVm => {
      const { params, query, parts } = call;
      const name = params['vm'] ?? '';
      const found = sees?.(name) === false ? undefined : parts.hub.pages.vm(name, daysOf(query));
      if (!found) throw new SendenseError('vm.unknown', `no plan and no restore point names a VM ${name}`);
      return { version: 1, time: Date.now(), first_day: found.firstDay, vm: found.vm };
    }),
});

/** @throws SendenseError `request.invalid` */
const daysOf = (query: Readonly<Record<string, string>>): DaysRequest => ({
  days: numberOf(query, 'days', 0),
  offsetMinutes: offsetOf(query),
});
