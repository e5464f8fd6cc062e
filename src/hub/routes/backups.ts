import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubBackup, HubBackups, HubChain } from '../../schemas/types.ts';
import { shared } from './list-answer.ts';
import { defineRoute } from './route.ts';

const pages: PageRules = { usual: 50, most: 100, place: ['number', 'text', 'text', 'text'] };

const repository = { description: 'Only of this repository.' };

export const listBackups = defineRoute({
  id: 'listBackups',
  method: 'GET',
  path: '/api/v1/backups',
  tag: 'backups',
  right: 'look',
  vms: 'heeded',
  summary: 'Restore points, newest first',
  description:
    'Page by page. With `vm_name`, their marks are those of the repository; without, those that the hub knows.',
  query: { vm_name: { description: 'Only of this VM.', logAs: 'vm' }, repository, ...pageQuery(pages) },
  answers: { 200: { description: 'A page of them.', schema: 'hub/backups.json' } },
  errors: ['repository.unusable'],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listBackups', async (sees): Promise<HubBackups> => {
      const { query, parts } = call;
      const filter = { vm: query['vm_name'], repository: query['repository'], sees };
      const page = pageRequest('backups', query, pages);
      const { entries, next } = await parts.hub.pages.points(filter, page);
      return { version: 1, backups: [...entries], next_cursor: cursorOf(next, page) };
    }),
});

export const showBackup = defineRoute({
  id: 'showBackup',
  method: 'GET',
  path: '/api/v1/backups/{id}',
  tag: 'backups',
  right: 'look',
  vms: 'heeded',
  summary: 'One restore point',
  params: { id: { description: 'Id of the restore point.', schema: 'domain.json#/$defs/backupId', logAs: 'point' } },
  query: { repository: { description: 'Where several repositories have it: which one.' } },
  answers: { 200: { description: 'The restore point.', schema: 'hub/backup.json' } },
  errors: ['point.unknown', 'repository.unusable'],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showBackup', async (sees): Promise<HubBackup> => {
      const { params, query, parts } = call;
      const filter = { repository: query['repository'], sees };
      return { version: 1, backup: await parts.hub.pages.point(params['id'] ?? '', filter) };
    }),
});

export const showChain = defineRoute({
  id: 'showChain',
  method: 'GET',
  path: '/api/v1/backups/chain/{vm_name}',
  tag: 'backups',
  right: 'look',
  vms: 'heeded',
  summary: 'The chains of a VM: its restore points, oldest first',
  description:
    '`parent` of each leads to the one that it is built on. The first page has the newest ones, oldest first; the next page has those before.',
  params: { vm_name: { description: 'Name of the VM.', logAs: 'vm' } },
  query: { repository, ...pageQuery(pages) },
  answers: { 200: { description: 'The restore points.', schema: 'hub/chain.json' } },
  errors: ['point.unknown', 'repository.unusable'],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showChain', async (sees): Promise<HubChain> => {
      const { params, query, parts } = call;
      const vm = params['vm_name'] ?? '';
      const filter = { vm, repository: query['repository'], sees, held: true };
      const page = pageRequest(`chain ${vm}`, query, pages);
      const { entries, next } = await parts.hub.pages.points(filter, page);
      if (entries.length === 0 && page.after === null)
        throw new SendenseError('point.unknown', `VM ${vm} has no restore points`);
      return { version: 1, vm, points: entries.toReversed(), next_cursor: cursorOf(next, page) };
    }),
});
