import { access, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { runTool } from '../../../host/programs/process.ts';
import type { VsphereSourceSpec } from '../../../schemas/types.ts';
import { presentedSha1 } from '../presented-sha1.ts';
import { hasControls } from './datastore-file.ts';
import { explainNbdkit } from './explain-nbdkit.ts';
import { serveDisk } from './serve-disk.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext } from './transport.ts';

/** vCenter serves reads of at most 2 MiB; larger ones are split by the blocksize filter. */
const requestBytes = 2 * 1024 * 1024;

type Vddk = NonNullable<VsphereSourceSpec['vddk']>;

/** @throws SendenseError `transport.unavailable` with what is missing */
export async function checkVddk(
  context: Pick<TransportContext, 'spec' | 'signal'>,
  disks: readonly SnapshotDiskRef[],
): Promise<string> {
  const vddk = settingsOf(context);
  for (const disk of disks) parametersOf(context, vddk, disk);
  const version = await libraryVersion(vddk, context.signal);
  return `VMware's disk library ${version} is there (${vddk.libdir})`;
}

/** @throws SendenseError `transport.unavailable` with what is missing */
export const checkVddkForWriting = (context: Pick<TransportContext, 'spec' | 'signal'>): Promise<string> =>
  checkVddk(context, []);

export async function serveVddk(context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> {
  if (disk.snapshotMoref === '')
    throw new SendenseError('run.internal', `${disk.label} is to be read without a snapshot`);
  // Each is a connection to the host, too: one to ask what is allocated, one to read.
  return served(context, disk, { connections: 2, more: ['--filter=cacheextents'] });
}

/**
 * The disk of a VM that is off and has no snapshot, for writing. VMware's library locks it meanwhile: the VM does not start.
 * One connection: the plugin promises nothing about what others see of a write.
 */
export async function serveVddkForWriting(context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> {
  if (disk.snapshotMoref !== '')
    throw new SendenseError('run.internal', `${disk.label} is to be written to below a snapshot`);
  return served(context, disk, { connections: 1, more: [], writable: true });
}

/** The same disk, to be read: nobody writes to it meanwhile, because the VM is off. */
export async function serveVddkOfVm(context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> {
  if (disk.snapshotMoref !== '') throw new SendenseError('run.internal', `${disk.label} is a disk of a snapshot`);
  return served(context, disk, { connections: 2, more: ['--filter=cacheextents'] });
}

interface Serving {
  readonly connections: number;
  /** Filters. */
  readonly more: readonly string[];
  readonly writable?: boolean;
}

async function served(
  context: TransportContext,
  disk: SnapshotDiskRef,
  { connections, more, writable = false }: Serving,
): Promise<ServedDisk> {
  const vddk = settingsOf(context);
  const parameters = parametersOf(context, vddk, disk);
  const password = await context.password();
  if (/[\r\n\0]/.test(password) || password === '')
    throw new SendenseError('vsphere.settings', 'the password is empty or has a line break; vddk accepts neither');
  const config = join(context.jobFolder, `vddk-${disk.key}.conf`);
  await writeFile(config, configText(context.jobFolder), { mode: 0o600 });
  const thumbprint = await presentedSha1(context.spec, context.signal);
  const { host, port, user } = context.spec;
  const open = () =>
    serveDisk(context, disk, {
      transport: 'vddk',
      args: [
        '--filter=blocksize',
        '--filter=retry',
        ...more,
        pluginOf(vddk),
        ...parameters,
        ...(disk.snapshotMoref === '' ? [] : [`snapshot=${disk.snapshotMoref}`]),
        `thumbprint=${thumbprint}`,
        `config=${config}`,
        'password=-3',
        `maxdata=${requestBytes}`,
        'retries=4',
        'retry-delay=2',
      ],
      pipes: [password],
      // Each try logs in, and accounts lock. A full datastore stays full.
      isFinal: (line) => ['vsphere.login', 'disk.full'].includes(explainNbdkit([line])?.code ?? ''),
      connections,
      requestBytes,
      writable,
    });
  return context.vddkLogins ? context.vddkLogins.attempt({ host, port, user, password }, open) : open();
}

function settingsOf({ spec }: Pick<TransportContext, 'spec'>): Vddk {
  if (spec.vddk === null) {
    throw new SendenseError('transport.unavailable', `the source ${spec.name} has no \`vddk.libdir\``, {
      remedy: "Download VMware's VDDK to the node and name its folder in `vddk.libdir`, see docs/vsphere.md.",
    });
  }
  return spec.vddk;
}

const pluginOf = (vddk: Vddk): string => vddk.plugin ?? 'vddk';

/** `key=value` each, one argument: nbdkit takes all after the first `=` as the value. */
function parametersOf({ spec }: Pick<TransportContext, 'spec'>, vddk: Vddk, disk: SnapshotDiskRef): string[] {
  const parameters: Record<string, string> = {
    libdir: vddk.libdir,
    server: spec.host,
    ...(spec.port === 443 ? {} : { port: String(spec.port) }),
    user: spec.user,
    vm: `moref=${disk.vmMoref}`,
    transports: vddk.modes,
    compression: vddk.compression,
    file: disk.file,
  };
  const wrong = (what: string): SendenseError =>
    new SendenseError('vsphere.settings', `vddk cannot take ${what}`, {
      details: { key: disk.key, transport: 'vddk' },
    });
  for (const [name, value] of Object.entries(parameters))
    if (value === '' || hasControls(value)) throw wrong(`the ${name} ${JSON.stringify(value)}`);
  if (!isAbsolute(vddk.libdir)) throw wrong(`the libdir ${vddk.libdir}: it is not absolute`);
  if (vddk.plugin !== null && !isAbsolute(vddk.plugin)) throw wrong(`the plugin ${vddk.plugin}: it is not absolute`);
  if (!/^[a-z]+(:[a-z]+)*$/.test(vddk.modes)) throw wrong(`the transport modes ${JSON.stringify(vddk.modes)}`);
  if (!/^[A-Za-z0-9_.-]+$/.test(disk.vmMoref)) throw wrong(`the VM id ${JSON.stringify(disk.vmMoref)}`);
  if (!/^[A-Za-z0-9_.-]*$/.test(disk.snapshotMoref))
    throw wrong(`the snapshot id ${JSON.stringify(disk.snapshotMoref)}`);
  // A name without a datastore would be a file of this machine.
  if (!/^\[[^\]]+\] .+\.vmdk$/.test(disk.file)) throw wrong(`the disk file ${JSON.stringify(disk.file)}`);
  return Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
}

/** @throws SendenseError `transport.unavailable` where the library cannot be loaded: nbdkit ends with 0 then, too */
async function libraryVersion(vddk: Vddk, signal?: AbortSignal): Promise<string> {
  const folder = await stat(vddk.libdir).catch(() => null);
  if (!folder?.isDirectory()) throw missing(`the folder ${vddk.libdir} (\`vddk.libdir\`) is not there`);
  if (
    vddk.plugin !== null &&
    !(await access(vddk.plugin).then(
      () => true,
      () => false,
    ))
  )
    throw missing(`the plugin ${vddk.plugin} (\`vddk.plugin\`) is not there`);
  const { stdout, stderr } = await runTool('nbdkit', [pluginOf(vddk), `libdir=${vddk.libdir}`, '--dump-plugin'], {
    signal,
    timeoutMs: 60_000,
    allowFailure: true,
  });
  const version = /^vddk_library_version=(.+)$/m.exec(stdout)?.[1];
  if (version !== undefined) return version;
  const fault = explainNbdkit(stderr.split('\n'));
  throw missing(
    fault?.message ?? `nbdkit could not load VMware's disk library (lib64/libvixDiskLib.so) from ${vddk.libdir}`,
    fault?.remedy,
  );
}

const missing = (what: string, remedy?: string): SendenseError =>
  new SendenseError('transport.unavailable', what, {
    remedy: remedy ?? "Unpack VMware's VDDK on the node and name its folder in `vddk.libdir`, see docs/vsphere.md.",
  });

/** VDDK's own settings: its logs and caches stay in the job's folder, and no wait is for ever. Values in ms. */
const configText = (folder: string): string =>
  [
    `tmpDirectory="${folder.replaceAll('"', '')}"`,
    'vixDiskLib.nfc.AcceptTimeoutMs=120000',
    'vixDiskLib.nfc.RequestTimeoutMs=120000',
    'vixDiskLib.nfc.ReadTimeoutMs=120000',
    'vixDiskLib.nfc.WriteTimeoutMs=120000',
    'vixDiskLib.nfcAio.Session.BufSizeIn64KB=16',
    'vixDiskLib.nfcAio.Session.BufCount=4',
    '',
  ].join('\n');
