import type { ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { list, optionalMoref, optionalText, xsiType, type Moref, type XmlValue } from './xml.ts';

/** What vSphere calls an error. */
export interface Fault {
  /** `FileFault` */
  readonly name: string;
  readonly messageKeys: readonly string[];
  /** Of an InvalidArgument. */
  readonly property: string | null;
  /** Of a FileFault. */
  readonly file: string | null;
  /** What it is about, where it says so: the object of a NoPermission. */
  readonly object: Moref | null;
}

const faults = new WeakMap<SendenseError, Fault>();

/** The fault that an error was made from; null: none. */
export const faultOf = (error: unknown): Fault | null =>
  error instanceof SendenseError ? (faults.get(error) ?? null) : null;

type Meaning = readonly [code: ErrorCode, means: string, remedy?: string];

const file: Meaning = ['vsphere.fault', 'a file of the VM cannot be used'];
const busy: Meaning = ['vsphere.busy', 'another task works on this object'];
const quiesce: Meaning = ['snapshot.quiesce', 'the guest could not be brought to rest'];

const meanings: Readonly<Record<string, Meaning>> = {
  InvalidLogin: ['vsphere.login', 'user or password is wrong, or the account is locked'],
  PasswordExpired: ['vsphere.login', 'the password has expired'],
  NoPermission: ['vsphere.permission', 'the user lacks a privilege'],
  NotAuthenticated: ['vsphere.login', 'the session is over'],
  ManagedObjectNotFound: [
    'source.missing',
    'the object is not there any more',
    'Look in vSphere whether it was removed, or registered anew; `sendense-run discover SOURCE` lists what is there.',
  ],
  TaskInProgress: busy,
  ResourceInUse: busy,
  ConcurrentAccess: busy,
  VAppTaskInProgress: busy,
  ApplicationQuiesceFault: quiesce,
  FilesystemQuiesceFault: quiesce,
  SnapshotFault: ['snapshot.failed', 'the snapshot could not be made'],
  SnapshotIncompatibleDeviceInVm: ['snapshot.failed', 'a device of the VM allows no snapshot'],
  SnapshotDisabled: ['snapshot.failed', 'snapshots are switched off for this VM'],
  SnapshotLocked: ['snapshot.failed', 'the snapshot is locked'],
  MemorySnapshotOnIndependentDisk: ['snapshot.failed', 'an independent disk allows no snapshot'],
  MultipleSnapshotsNotSupported: ['snapshot.failed', 'this VM may have one snapshot only'],
  TooManySnapshotLevels: ['snapshot.failed', 'the VM has too many snapshots', 'Remove snapshots in vSphere.'],
  InvalidState: ['vsphere.busy', 'the object is not in the state for this'],
  InvalidPowerState: ['vsphere.busy', 'the VM is not in the power state for this'],
  InvalidVmState: ['vsphere.busy', 'the VM is not in the state for this'],
  InvalidDatastore: ['vsphere.fault', 'the datastore cannot be used'],
  InvalidArgument: ['vsphere.fault', 'a parameter is not right'],
  HostNotConnected: ['vsphere.unreachable', 'vCenter has lost the ESXi host', 'Look at the host in vSphere.'],
  HostNotReachable: ['vsphere.unreachable', 'vCenter cannot reach the ESXi host', 'Look at the host in vSphere.'],
  HostCommunication: ['vsphere.unreachable', 'vCenter cannot talk to the ESXi host', 'Look at the host in vSphere.'],
  HostConnectFault: ['vsphere.unreachable', 'vCenter cannot connect to the ESXi host', 'Look at the host in vSphere.'],
  Timedout: ['vsphere.busy', 'it took longer than vSphere allows'],
  ToolsUnavailable: ['snapshot.quiesce', 'VMware Tools do not answer'],
  GenericVmConfigFault: ['vsphere.fault', 'the configuration of the VM does not allow this'],
  RestrictedVersion: [
    'vsphere.permission',
    "the ESXi host's licence does not allow this",
    'The free ESXi licence has no snapshots over the API: license the host, or back the VM up from inside.',
  ],
  LicenseRestricted: ['vsphere.permission', 'the licence does not allow this', 'Look at the licences in vSphere.'],
  NoDiskSpace: ['vsphere.fault', 'the datastore is full', 'Free space on the datastore.'],
  InsufficientResourcesFault: ['vsphere.fault', 'the ESXi host has too few resources'],
  FileLocked: ['vsphere.busy', 'a file of the VM is locked', 'Look for a proxy that still has the disk attached.'],
  FileNotFound: file,
  FileFault: file,
  CannotAccessFile: file,
  RequestCanceled: ['job.cancelled', 'the task was cancelled'],
  NotSupported: ['vsphere.fault', 'this is not supported here'],
  MethodDisabled: [
    'vsphere.busy',
    'another product has switched this method off',
    'Look for a backup or migration that is going on.',
  ],
};

const otherwise: Meaning = ['vsphere.fault', 'vSphere could not do it'];

/**
 * The error for a fault: what was asked, what vSphere said, what it means.
 * @param detail the element that has the fault's `xsi:type` (a child of a SOAP fault's detail, or a task's `error.fault`)
 * @param said vSphere's own sentence
 */
export function faultError(what: string, detail: XmlValue | undefined, said: string): SendenseError {
  const name = xsiType(detail) ?? detail?.name.replace(/Fault$/, '') ?? 'unknown fault';
  const fault: Fault = {
    name,
    messageKeys: list(detail, 'faultMessage').map((message) => optionalText(message, 'key') ?? ''),
    property: optionalText(detail, 'invalidProperty') ?? null,
    file: optionalText(detail, 'file') ?? null,
    object: optionalMoref(detail, 'object') ?? optionalMoref(detail, 'obj') ?? null,
  };
  const [code, means, remedy] = (Object.hasOwn(meanings, name) ? meanings[name] : undefined) ?? otherwise;
  const sentences = [said, ...list(detail, 'faultMessage').map((message) => optionalText(message, 'message') ?? '')];
  const more = [...new Set(sentences.map((text) => text.trim()).filter(Boolean))].join(' ').slice(0, 1000);
  const error = new SendenseError(
    code,
    `${what}: ${means} (${name}${aside(detail, fault)})${more ? `: ${more}` : ''}`,
    {
      ...(remedy === undefined ? {} : { remedy }),
      details: { fault: name, message_key: fault.messageKeys[0] ?? null, property: fault.property },
    },
  );
  faults.set(error, fault);
  return error;
}

/** The error of a fault, with the inventory path of the object that it is about. */
export function withPath(error: unknown, path: string): unknown {
  const fault = faultOf(error);
  if (!(error instanceof SendenseError) || !fault?.object) return error;
  const { code, message, remedy, details, cause } = error;
  const named = message.replace(onObject(fault.object), () => `on ${path} (${fault.object?.value})`);
  const located = new SendenseError(code, named, { remedy, details: { ...details, object: path }, cause });
  faults.set(located, fault);
  return located;
}

/** A task that cannot be started throws once, and is caught twice. */
export const isLocated = (error: unknown): boolean =>
  error instanceof SendenseError && error.details?.['object'] !== undefined;

const onObject = ({ type, value }: Moref): string => `on ${type} ${value}`;

/** What tells one fault of a kind from another. */
function aside(detail: XmlValue | undefined, { property, file: path, object }: Fault): string {
  const parts = [
    optionalText(detail, 'privilegeId') && `privilege ${optionalText(detail, 'privilegeId')}`,
    object && onObject(object),
    property && `parameter ${property}`,
    path && `file ${path}`,
  ].filter(Boolean);
  return parts.length > 0 ? `, ${parts.join(', ')}` : '';
}
