import { describe, expect, test } from 'vitest';
import { element, elements, rawSoap } from './raw-soap.ts';
import { workshop } from './workshop.ts';

const shop = workshop();

describe('sessions', () => {
  test('nothing is read without one, and a wrong password gives none', async () => {
    const stranger = rawSoap(shop.vcenter);
    await expect(stranger.property('Folder', 'group-d1', 'name')).rejects.toThrow('NotAuthenticated');
    await expect(stranger.login('wrong')).rejects.toThrow('InvalidLogin');
    await stranger.login();
    expect(stranger.cookie).toMatch(/^vmware_soap_session="[0-9a-f-]{36}"$/);
    expect(await stranger.property('Folder', 'group-d1', 'name')).not.toBe('');
  });

  test('all expire at a word, or in the middle of a run', async () => {
    const other = rawSoap(shop.vcenter);
    await other.login();
    await shop.vcenter.fault('session-expiry', { count: 1, after: 1, method: 'RetrievePropertiesEx' });
    await other.property('Folder', 'group-d1', 'name');
    await expect(other.property('Folder', 'group-d1', 'name')).rejects.toThrow('NotAuthenticated');
    shop.soap.cookie = '';
    await shop.soap.login();
  });

  test('privileges and permissions can be missing', async () => {
    const am = 'AuthorizationManager';
    const ask =
      '<entity type="Folder">group-d1</entity><sessionId>x</sessionId>' +
      '<privId>VirtualMachine.State.CreateSnapshot</privId><privId>Datastore.Browse</privId>';
    await shop.vcenter.fault('privileges', { missing: 'Datastore.Browse,Global.DisableMethods' });
    const answer = await shop.soap.call('HasPrivilegeOnEntities', am, am, ask);
    expect(elements(answer, 'isGranted')).toEqual(['true', 'false']);
    await shop.vcenter.fault('no-permission', { method: 'CreateSnapshot_Task' });
    await expect(shop.create(await shop.machine())).rejects.toThrow('NoPermission');
  });
});

describe('property collector and tasks', () => {
  test('gives objects in pages, and says when a task has ended or was cancelled', async () => {
    const machines = await Promise.all([1, 2, 3, 4, 5].map(() => shop.machine()));
    const objects = machines
      .map((vm) => `<objectSet><obj type="VirtualMachine">${vm.moref}</obj></objectSet>`)
      .join('');
    const first = await shop.soap.call(
      'RetrievePropertiesEx',
      'PropertyCollector',
      'propertyCollector',
      `<specSet><propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet>${objects}</specSet>` +
        '<options><maxObjects>2</maxObjects></options>',
    );
    const token = element(first, 'token');
    const rest = (): Promise<string> =>
      shop.soap.call(
        'ContinueRetrievePropertiesEx',
        'PropertyCollector',
        'propertyCollector',
        `<token>${token}</token>`,
      );
    expect([elements(first, 'objects').length, elements(await rest(), 'objects').length]).toEqual([2, 3]);
    await expect(rest()).rejects.toThrow('InvalidArgument token');

    await shop.vcenter.fault('slow-task', { count: 1, ms: 15_000 });
    const [vm] = machines;
    const args = '<name>n</name><memory>false</memory><quiesce>false</quiesce>';
    const task = element(
      await shop.soap.call('CreateSnapshot_Task', 'VirtualMachine', vm?.moref ?? '', args),
      'returnval',
    );
    const collector = element(
      await shop.soap.call('CreatePropertyCollector', 'PropertyCollector', 'propertyCollector'),
      'returnval',
    );
    await shop.soap.call(
      'CreateFilter',
      'PropertyCollector',
      collector,
      `<spec><propSet><type>Task</type><pathSet>info.state</pathSet></propSet>` +
        `<objectSet><obj type="Task">${task}</obj></objectSet></spec><partialUpdates>false</partialUpdates>`,
    );
    const wait = (version: string): Promise<string> =>
      shop.soap.call('WaitForUpdatesEx', 'PropertyCollector', collector, `<version>${version}</version>`);
    const running = await wait('');
    expect(running).toContain('running');
    const ended = wait(element(running, 'version'));
    await shop.soap.call('CancelTask', 'Task', task);
    expect(await ended).toContain('error');
    expect(await shop.soap.property('Task', task, 'info.error')).toContain('RequestCanceled');
    expect(await vm?.snapshots()).toEqual([]);
    expect((await shop.vcenter.calls()).map(({ method }) => method)).toContain('CancelTask');
  });
});
