import { expect, test } from 'vitest';
import { explainNbdkit, nbdkitRules } from '../../../../src/node/vsphere/transports/explain-nbdkit.ts';

const vddk = (text: string): string => `nbdkit: vddk[1]: error: ${text}`;
const ssh = (text: string): string => `nbdkit: ssh[3]: error: ${text}`;
const curl = (text: string): string => `nbdkit: curl[1]: error: pread: curl_easy_perform: ${text}`;

/** One or more lines for each rule, as the programs write them. */
const said: readonly (readonly [string, string])[] = [
  [
    "nbdkit: error: cannot open plugin 'vddk': /usr/lib/x86_64-linux-gnu/nbdkit/plugins/nbdkit-vddk-plugin.so: cannot open shared object file: No such file or directory",
    'transport.unavailable',
  ],
  [
    'nbdkit: error: /opt/vddk/lib64/libvixDiskLib.so.8: cannot open shared object file: No such file or directory',
    'transport.unavailable',
  ],
  ['nbdkit: error: libcrypto.so.3: cannot open shared object file: No such file or directory', 'transport.unavailable'],
  ['nbdkit: error: libssl.so.3: cannot open shared object file: No such file or directory', 'transport.unavailable'],
  [vddk('VixDiskLibVim: Failed to verify SSL certificate: actual thumbprint=AA expected=BB'), 'vsphere.tls'],
  [vddk('VixDiskLib_ConnectEx: Cannot complete login due to an incorrect user name or password'), 'vsphere.login'],
  [vddk('VixDiskLib_ConnectEx: Insufficient permissions in host operating system'), 'vsphere.login'],
  [vddk('VixDiskLib_ConnectEx: fake error 18000'), 'vsphere.unreachable'],
  [vddk('VixDiskLib_ConnectEx: Cannot connect to host'), 'vsphere.unreachable'],
  [vddk('VixDiskLib_Write: There is no space left in the file system'), 'disk.full'],
  [vddk('VixDiskLib_Open: [ds] a/a.vmdk: You do not have access rights to this file'), 'vsphere.permission'],
  [
    vddk(
      '[NFC ERROR] NfcFssrvrProcessErrorMsg: received NFC error 5 from server: Failed to allocate the requested 2097176 bytes',
    ),
    'vsphere.busy',
  ],
  [vddk('VixDiskLib_Open: [ds] a/a.vmdk: Failed to lock the file'), 'source.busy'],
  [
    vddk('[NFC ERROR]NfcNewAuthdConnectionEx: Failed to connect: Error reading from vmware-authd socket.'),
    'vsphere.unreachable',
  ],
  [vddk('VixDiskLib_Open: [ds] a/a.vmdk: The server refused connection'), 'vsphere.unreachable'],
  [vddk('VixDiskLib_Open: [ds] a/a.vmdk: A file was not found'), 'source.missing'],
  [vddk('VixDiskLib_Open: [ds] a/a.vmdk: fake error 4'), 'source.missing'],
  [ssh('host key for server changed'), 'vsphere.tls'],
  [ssh('host key for server was not found but another type of key exists'), 'vsphere.tls'],
  [ssh('either the host key is unknown, you must use ssh first and accept the host key'), 'vsphere.tls'],
  [ssh('could not find known_hosts file'), 'vsphere.tls'],
  [ssh('public key authentication failed: Access denied'), 'vsphere.login'],
  [ssh('all possible authentication methods failed'), 'vsphere.login'],
  [ssh('failed to initialize sftp session: Channel request subsystem failed'), 'transport.unavailable'],
  [ssh('failed to connect to remote host: 192.0.2.1: Timeout connecting to 192.0.2.1'), 'vsphere.unreachable'],
  [ssh('cannot open file for reading: Permission denied'), 'vsphere.permission'],
  [ssh('cannot open file for reading: No such file'), 'source.missing'],
  [ssh('read failed: Socket error: Connection reset by peer (-1)'), 'transport.failed'],
  [curl('HTTP response code said error: The requested URL returned error: 401'), 'vsphere.login'],
  [curl('HTTP response code said error: The requested URL returned error: 403'), 'vsphere.permission'],
  [curl('HTTP response code said error: The requested URL returned error: 404'), 'source.missing'],
  [curl('HTTP response code said error: The requested URL returned error: 503'), 'transport.failed'],
  [curl('Timeout was reached: Operation timed out after 300000 milliseconds'), 'transport.failed'],
];

test.each(said)('%s', (line, code) => {
  const fault = explainNbdkit(['nbdkit: debug: something', line]);
  expect(fault?.code).toBe(code);
  expect(fault?.message).toContain(line.replace(/^nbdkit: (\w+\[\d\]: )?error: /, ''));
});

test('every rule has a line that it alone explains', () => {
  const used = new Set(said.map(([line]) => nbdkitRules.find(({ pattern }) => pattern.test(line))));
  expect(nbdkitRules.filter((rule) => !used.has(rule)).map(({ says }) => says)).toEqual([]);
});

test('of many lines the telling one counts', () => {
  const fault = explainNbdkit([
    vddk('[NFC ERROR] something else'),
    vddk('Failed to lock the file'),
    vddk('VixDiskLib_Open: Unknown error'),
  ]);
  expect(fault).toMatchObject({
    code: 'source.busy',
    message: 'the disk is locked by another program: Failed to lock the file',
  });
});

test('what is unknown is quoted, and silence is silence', () => {
  expect(explainNbdkit([vddk('VixDiskLib_Open: Unknown error')])).toEqual({
    code: 'transport.failed',
    message: 'VixDiskLib_Open: Unknown error',
  });
  expect(explainNbdkit(['', 'nbdkit: debug: reading'])).toBeNull();
});
