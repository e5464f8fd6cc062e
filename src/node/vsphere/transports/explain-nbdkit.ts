import type { ErrorCode } from '../../../errors/catalogue.ts';

export interface NbdkitFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly says: string;
  readonly remedy?: string;
}

/** Of a disk that somebody has open for writing. */
export const heldElsewhere = 'the disk is locked by another program';

/**
 * What nbdkit and its plugins say, from the certain to the vague: the first rule that fits any line wins, because VMware's
 * library says one fault in many lines. Wording: strings of nbdkit 1.32 and 1.42, libssh 0.10, VDDK's list of error codes.
 */
export const nbdkitRules: readonly Rule[] = [
  {
    pattern: /cannot open plugin|cannot find plugin/i,
    code: 'transport.unavailable',
    says: 'nbdkit has no such plugin',
    remedy:
      'Install the plugin (Debian: nbdkit-plugin-vddk for vddk, nbdkit for curl and ssh), or name its file in `vddk.plugin`.',
  },
  {
    pattern: /libvixDiskLib\.so[^ ]*: cannot open|required VDDK symbol|LIBRARY LOCATION/i,
    code: 'transport.unavailable',
    says: "VMware's disk library was not found",
    remedy:
      'Unpack the VDDK from VMware on the node, and name its folder (the one with lib64/ in it) in `vddk.libdir`.',
  },
  {
    pattern: /lib(crypto|ssl|stdc\+\+|curl|sqlite3|gvmomi|vim-types|[\w-]+)\.so[^ ]*: cannot open shared object/i,
    code: 'transport.unavailable',
    says: "a library that VMware's disk library needs is missing",
    remedy: 'Unpack the whole VDDK again; nbdkit names the missing library in the log of the job.',
  },
  {
    pattern: /thumbprint|SSL (certificate|error)|certificate (verif|is not)|verify SSL|SSLVerify/i,
    code: 'vsphere.tls',
    says: 'the certificate of the server is not the expected one',
  },
  {
    pattern:
      /user ?name or password|InvalidLogin|Cannot complete login|\berror 3014\b|Insufficient permissions? in (the )?host|Login (failed|failure)/i,
    code: 'vsphere.login',
    says: "VMware's disk library was not let in",
    remedy:
      'Check user and password, and that the user has the role of docs/vsphere.md on the VM; `sendense-run credentials test` tries the login.',
  },
  {
    pattern: /\berror 18000\b|Cannot connect to (the )?host/i,
    code: 'vsphere.unreachable',
    says: "VMware's disk library cannot connect to the host",
    remedy: 'Let the node reach vCenter on TCP port 443 and every ESXi host on 902; check the thumbprint.',
  },
  {
    pattern: /no space left in the file system|insufficient disk space|\bNFC_DISK_FULL\b/i,
    code: 'disk.full',
    says: 'the datastore is full',
    remedy: 'Free space on the datastore, then run the restore again.',
  },
  {
    pattern: /NoPermission|Insufficient permission|do(es)? not have (the )?(access|permission)|access rights/i,
    code: 'vsphere.permission',
    says: 'the user lacks a privilege for reading disks',
    remedy: 'Give the user the role of docs/vsphere.md on the VM and its datastores.',
  },
  {
    pattern:
      /NFC error 5\b|Failed to allocate the requested|NfcFssrvr.*(memory|allocate)|too many (open )?connections|NFC.*(limit|maximum)|Insufficient resources/i,
    code: 'vsphere.busy',
    says: 'the ESXi host has no room for another connection (NFC)',
    remedy: 'Read fewer disks of this host at a time: lower `disksPerHost` of the source.',
  },
  {
    pattern:
      /(failed|unable|cannot) (to )?lock|file is (being )?(locked|used)|Could not lock|\b(error )?16392\b|lock (was )?lost/i,
    code: 'source.busy',
    says: heldElsewhere,
    remedy: 'Wait until other backups or tasks of this VM are over.',
  },
  {
    pattern: /\b(error )?14009\b|refused (the )?connection|NfcNewAuthdConnection|vmware-authd|:902\b|Connect.*902/i,
    code: 'vsphere.unreachable',
    says: 'the ESXi host cannot be reached on port 902 (NFC)',
    remedy: 'Let the node reach every ESXi host on TCP port 902, or use another transport.',
  },
  {
    pattern: /host key for server changed|host key for server was not found but another type/i,
    code: 'vsphere.tls',
    says: 'the SSH host key of the ESXi host is not the expected one',
    remedy: 'Find out why it changed, then put the new key into the file of known hosts.',
  },
  {
    pattern: /host key is unknown|could not find known_hosts|known hosts error/i,
    code: 'vsphere.tls',
    says: 'the SSH host key of the ESXi host is not in the file of known hosts',
    remedy: 'Put the key of the host into the file that `ssh.knownHosts` of the source names.',
  },
  {
    pattern:
      /public key authentication failed|all possible authentication methods failed|failed to add identity|Access denied/i,
    code: 'vsphere.login',
    says: 'the ESXi host does not accept the SSH key',
    remedy: 'Put the public key into /etc/ssh/keys-USER/authorized_keys of the host; the key must have no passphrase.',
  },
  {
    pattern: /failed to initialize sftp|failed to allocate sftp/i,
    code: 'transport.unavailable',
    says: 'the SSH server offers no SFTP',
    remedy: 'Enable SFTP in /etc/ssh/sshd_config of the ESXi host, or use another transport.',
  },
  {
    pattern:
      /failed to connect to remote host|Connection refused|No route to host|Name or service not known|resolve host/i,
    code: 'vsphere.unreachable',
    says: 'the host cannot be reached',
  },
  {
    pattern: /returned error: 401|HTTP 401/i,
    code: 'vsphere.login',
    says: 'the session was not accepted (HTTP 401)',
  },
  {
    pattern: /returned error: 403|HTTP 403|Permission denied/i,
    code: 'vsphere.permission',
    says: 'the user may not read the file of the disk',
  },
  {
    pattern: /returned error: 404|HTTP 404|No such file|file was not found|File not found|\berror 4\b|does not exist/i,
    code: 'source.missing',
    says: 'the file of the disk was not found',
    remedy:
      'Somebody has removed the snapshot, or has moved or unregistered the VM, while its disk was in use: look in vSphere, and run again.',
  },
  {
    pattern: /returned error: 5[0-9][0-9]|HTTP 5[0-9][0-9]/i,
    code: 'transport.failed',
    says: 'the server reported a fault of its own',
  },
  {
    pattern: /timed? ?out|Operation timed out/i,
    code: 'transport.failed',
    says: 'the server did not answer in time',
  },
  {
    pattern: /connection (reset|closed|lost)|Socket error|broken pipe|disconnected|Recv failure|Send failure/i,
    code: 'transport.failed',
    says: 'the connection broke',
  },
];

/**
 * What is wrong, from the lines that nbdkit wrote; null where it wrote none that matters. The line is quoted, so secrets must
 * be masked before.
 */
export function explainNbdkit(lines: readonly string[]): NbdkitFault | null {
  const said = lines
    .filter((line) => !/^nbdkit: (\S+: )?debug: /.test(line))
    .map(plain)
    .filter((line) => line !== '');
  for (const rule of nbdkitRules) {
    const line = said.findLast((one) => rule.pattern.test(one));
    if (line === undefined) continue;
    const { code, says, remedy } = rule;
    return { code, message: `${says}: ${line.slice(0, 500)}`, ...(remedy === undefined ? {} : { remedy }) };
  }
  const last = said.at(-1);
  return last === undefined ? null : { code: 'transport.failed', message: last.slice(0, 500) };
}

/** `nbdkit: vddk[1]: error: TEXT` is TEXT. */
const plain = (line: string): string => line.replace(/^nbdkit: (?:[\w./-]+(?:\[\d+\])?: )?(?:error: )?/, '').trim();
