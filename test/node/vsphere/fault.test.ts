import { expect, it, test } from 'vitest';
import { faultError, faultOf } from '../../../src/node/vsphere/fault.ts';
import { at, parseXml } from '../../../src/node/vsphere/xml.ts';

const detail = (type: string, inner = '') =>
  at(
    parseXml(
      `<d xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><${type}Fault xsi:type="${type}">${inner}</${type}Fault></d>`,
    ),
    `${type}Fault`,
  );

test.each([
  ['InvalidLogin', '', 'vsphere.login', 'user or password is wrong'],
  ['NotAuthenticated', '', 'vsphere.login', 'the session is over'],
  [
    'NoPermission',
    '<object type="VirtualMachine">vm-9</object><privilegeId>VirtualMachine.State.CreateSnapshot</privilegeId>',
    'vsphere.permission',
    'privilege VirtualMachine.State.CreateSnapshot, on VirtualMachine vm-9',
  ],
  ['ManagedObjectNotFound', '<obj type="Task">task-1</obj>', 'source.missing', 'on Task task-1'],
  ['TaskInProgress', '', 'vsphere.busy', 'another task'],
  ['InvalidPowerState', '', 'vsphere.busy', 'power state'],
  ['ResourceInUse', '', 'vsphere.busy', 'another task'],
  ['ConcurrentAccess', '', 'vsphere.busy', 'another task'],
  ['FileFault', '<file>[ds] a/a.vmdk</file>', 'vsphere.fault', 'file [ds] a/a.vmdk'],
  ['FileLocked', '<file>[ds] a/a.vmdk</file>', 'vsphere.busy', 'locked'],
  ['ApplicationQuiesceFault', '', 'snapshot.quiesce', 'brought to rest'],
  ['FilesystemQuiesceFault', '', 'snapshot.quiesce', 'brought to rest'],
  ['TooManySnapshotLevels', '', 'snapshot.failed', 'too many snapshots'],
  ['SnapshotFault', '', 'snapshot.failed', 'snapshot'],
  ['HostNotConnected', '', 'vsphere.unreachable', 'ESXi host'],
  ['HostCommunication', '', 'vsphere.unreachable', 'ESXi host'],
  ['RestrictedVersion', '', 'vsphere.permission', 'licence'],
  ['NoDiskSpace', '', 'vsphere.fault', 'full'],
  ['InsufficientResourcesFault', '', 'vsphere.fault', 'too few resources'],
  ['InvalidArgument', '<invalidProperty>startOffset</invalidProperty>', 'vsphere.fault', 'parameter startOffset'],
  ['constructor', '', 'vsphere.fault', 'vSphere could not do it (constructor)'],
  ['SomethingOfTheFuture', '<new>1</new>', 'vsphere.fault', 'SomethingOfTheFuture'],
])('%s has a meaning and a way out', (type, inner, code, words) => {
  const error = faultError('Do of vm-1', detail(type, inner), 'What it said.');
  expect(error).toMatchObject({ code, details: { fault: type } });
  expect(error.message).toContain(words);
  expect(error.message).toMatch(/^Do of vm-1: .*: What it said\.$/);
  expect(error.remedy).not.toBe('');
  expect(faultOf(error)?.name).toBe(type);
});

it('keeps the keys of all messages, and adds what they say', () => {
  const error = faultError(
    'QueryChangedDiskAreas',
    detail(
      'FileFault',
      '<faultMessage><key>vim.hostd.vmsvc.cbt.noTrack</key><message>No tracking.</message></faultMessage>' +
        '<faultMessage><key>msg.other</key></faultMessage><file>f</file>',
    ),
    'Error caused by file f',
  );
  expect(error.details).toEqual({
    fault: 'FileFault',
    message_key: 'vim.hostd.vmsvc.cbt.noTrack',
    property: null,
  });
  expect(faultOf(error)).toEqual({
    name: 'FileFault',
    messageKeys: ['vim.hostd.vmsvc.cbt.noTrack', 'msg.other'],
    property: null,
    file: 'f',
    object: null,
  });
  expect(error.message).toMatch(/Error caused by file f No tracking\.$/);
});

it('does without a detail, as some faults of the web server have none', () => {
  const error = faultError('Login', undefined, 'Server went away');
  expect(error).toMatchObject({
    code: 'vsphere.fault',
    message: expect.stringContaining('Server went away') as string,
  });
  expect(faultOf(new Error('other'))).toBeNull();
});
