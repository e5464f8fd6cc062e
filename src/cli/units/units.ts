import { SendenseError } from '../../errors/sendense-error.ts';

/** The services that Sendense has. */
export type ServiceName = 'sendense-node' | 'sendense-tunnel' | 'sendense-hub' | 'sendense-files' | 'sendense-daemon';

export interface UnitOptions {
  /** The program, as the first words of `ExecStart=`. */
  readonly program: readonly string[];
  /** Words of every command line, such as `--config FILE`. */
  readonly args?: readonly string[];
  readonly user: string;
  /** Where its state is, if not in the folder that systemd makes for it. */
  readonly stateDir?: string | undefined;
  /** What else it may write to; what is not there does not matter. */
  readonly writable?: readonly string[];
  /** Its runs make files of repositories immutable. */
  readonly immutable?: boolean;
}

interface Service {
  readonly description: string;
  /** Words after the program. */
  readonly command: readonly string[];
  /** Below /var/lib and /run. Node and tunnel share the state: the enrolment. */
  readonly state: string;
  readonly unit?: readonly string[];
  readonly lines: readonly string[];
  /** How long its end may take, s; default 30. */
  readonly stopSec?: number;
  /** It runs plans: it reads disks of this machine and may make files immutable. */
  readonly runsPlans?: boolean;
  /** What it may do beyond its user, whether it runs plans or not. */
  readonly capabilities?: readonly string[];
  /** It makes sandboxes, with namespaces and a kernel of their own in them (`src/files/reader/sandbox.ts`). */
  readonly makesSandboxes?: boolean;
}

/** Without this line in a file, nothing here changes or removes it. */
export const unitMark = '# Made by Sendense; put changes into a drop-in: systemctl edit';

const services: Readonly<Record<ServiceName, Service>> = {
  'sendense-node': {
    description: 'Sendense node: lets a hub see and back up the disks here',
    command: ['serve'],
    state: 'sendense-node',
    lines: [
      '# Jobs are processes of their own and outlive the node (docs/node-api.md): a restart or upgrade must not end a backup.',
      'KillMode=process',
      '# Their sockets are here and not in the private /tmp, which goes with the service.',
      'RuntimeDirectoryPreserve=yes',
      '# Optional, from /etc/credstore/: the token of the API; otherwise made in the state folder.',
      'LoadCredential=sendense-node.token',
      'CapabilityBoundingSet=',
    ],
  },
  'sendense-tunnel': {
    description: 'Sendense tunnel: keeps the connection of this node to its hub',
    command: ['tunnel'],
    state: 'sendense-node',
    unit: ['After=sendense-node.service'],
    lines: ['KillMode=mixed', 'CapabilityBoundingSet='],
  },
  'sendense-hub': {
    description: 'Sendense hub: answers the nodes that connect to it',
    command: ['hub'],
    state: 'sendense',
    unit: ['# What reads files for its API.', 'Wants=sendense-files.service'],
    lines: [
      '# Runs that its API began are processes of their own and outlive it: a restart or upgrade must not end a backup.',
      'KillMode=process',
      '# Their sockets are here and not in the private /tmp, which goes with the service.',
      'RuntimeDirectoryPreserve=yes',
      '# Optional, from /etc/credstore/: the key of the stored credentials.',
      'LoadCredential=sendense.key',
    ],
    // For port 443.
    capabilities: ['CAP_NET_BIND_SERVICE'],
    runsPlans: true,
  },
  'sendense-files': {
    description: 'Sendense files: reads files of restore points, for the hub and for its user',
    command: ['files', 'keep', '--service'],
    state: 'sendense',
    lines: [
      'KillMode=mixed',
      'CapabilityBoundingSet=',
      'PrivateNetwork=yes',
      '# Each restore point that is open is a sandbox with bounds of its own (docs/files.md); these are for all of them.',
      'MemoryMax=75%',
      'CPUWeight=50',
      'TasksMax=8192',
      '# The sandboxes are killed first, and one that is takes nothing else with it.',
      'OOMPolicy=continue',
    ],
    makesSandboxes: true,
  },
  'sendense-daemon': {
    description: 'Sendense daemon: runs plans when they are due',
    command: ['daemon'],
    state: 'sendense',
    lines: [
      '# The daemon tells its runs when to stop.',
      'KillMode=mixed',
      'ExecReload=kill -HUP $MAINPID',
      '# Optional, from /etc/credstore/: the key of the stored credentials.',
      'LoadCredential=sendense.key',
    ],
    // --drain of the daemon, and what it takes to clean up.
    stopSec: 900,
    runsPlans: true,
  },
};

/**
 * The unit file of a service, for systemd 252 and later.
 *
 * A real user and no `DynamicUser=`, because a repository and OpenSSH's authorized_keys need an owner that stays. No
 * `ProtectProc=`, because whether the process of a claim still runs is asked in /proc, whoever's it is: what cannot be seen would
 * count as dead. No `MemoryDenyWriteExecute=`, because V8 compiles.
 */
export function unitText(name: ServiceName, options: UnitOptions): string {
  const service = services[name];
  const { program, args = [], user, stateDir, writable = [], immutable = false } = options;
  const usualState = `/var/lib/${service.state}`;
  const words = [...program, ...service.command, ...args];
  return `${[
    `${unitMark} ${name}`,
    '[Unit]',
    `Description=${service.description}`,
    'Documentation=file:///usr/share/doc/sendense-common/operations.md',
    'Wants=network-online.target',
    'After=network-online.target',
    ...(service.unit ?? []),
    ...(name === 'sendense-tunnel' ? [`ConditionPathExists=${stateDir ?? usualState}/link/hub.json`] : []),
    '# However often it fails: whoever can mend it may come late.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    '# systemd-notify speaks for it: Node has no Unix datagram sockets.',
    'NotifyAccess=all',
    'WatchdogSec=60',
    '# A core would hold secrets.',
    'WatchdogSignal=SIGKILL',
    'LimitCORE=0',
    `ExecStart=${words.map(quoted).join(' ')}`,
    'Restart=on-failure',
    'RestartSec=5',
    '# Wrong command line, settings, or refused: no use in trying again.',
    'RestartPreventExitStatus=2 10 12',
    'TimeoutStartSec=60',
    `TimeoutStopSec=${service.stopSec ?? 30}`,
    `User=${user}`,
    `Group=${user}`,
    `StateDirectory=${service.state}`,
    'StateDirectoryMode=0700',
    `RuntimeDirectory=${name}`,
    'RuntimeDirectoryMode=0700',
    `CacheDirectory=${name}`,
    'CacheDirectoryMode=0700',
    `Environment=TMPDIR=/run/${name} XDG_CACHE_HOME=/var/cache/${name} NODE_COMPILE_CACHE=/var/cache/${name}/sendense`,
    'UMask=0077',
    'LimitNOFILE=65536',
    'SyslogIdentifier=%N',
    ...service.lines,
    ...(service.runsPlans ? capabilitiesOfRuns(immutable, service.capabilities) : []),
    ...(stateDir === undefined || stateDir === usualState ? [] : [`ReadWritePaths=${quoted(stateDir)}`]),
    ...writablePaths(writable),
    ...hardeningOf(service),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ].join('\n')}\n`;
}

function hardeningOf({ runsPlans, makesSandboxes }: Service): string[] {
  if (runsPlans === true) return hardening.filter((line) => line !== 'PrivateDevices=yes');
  if (makesSandboxes !== true) return hardening;
  return hardening.flatMap((line) => (Object.hasOwn(inSandboxes, line) ? (inSandboxes[line] ?? []) : line));
}

/**
 * What a service that makes sandboxes has in place of a line. bwrap makes namespaces, names the sandbox's host and mounts a /proc of its
 * own, which the kernel allows only where nothing lies over parts of /proc (`mount_too_revealing`): some `Protect…=` do that. The
 * sandbox's kernel is traced by its own parent.
 */
const inSandboxes: Readonly<Record<string, readonly string[]>> = {
  'ProtectHostname=yes': [],
  'ProtectKernelTunables=yes': [],
  'ProtectKernelLogs=yes': [],
  'RestrictNamespaces=yes': ['RestrictNamespaces=user mnt pid net ipc uts cgroup'],
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK': ['RestrictAddressFamilies=AF_UNIX AF_NETLINK'],
  'SystemCallFilter=@system-service': ['SystemCallFilter=@system-service @mount ptrace sethostname'],
};

/** Lines for what a service that runs plans may do beyond its user: these, and `chattr +i`. */
export function capabilitiesOfRuns(immutable: boolean, others: readonly string[] = []): string[] {
  const all = [...others, ...(immutable ? ['CAP_LINUX_IMMUTABLE'] : [])].join(' ');
  if (all === '') return ['CapabilityBoundingSet='];
  return [
    ...(immutable ? ['# For repositories with `immutable:`.'] : []),
    `CapabilityBoundingSet=${all}`,
    `AmbientCapabilities=${all}`,
  ];
}

/** The daemon looks for no plans and settings: it has these. */
export const daemonUnitArgs = (folder = '/etc/sendense', settings = `${folder}/sendense.yaml`): readonly string[] => [
  folder,
  '--config',
  settings,
];

/** The hub, and what reads files for it, look for no settings: they have these. */
export const hubUnitArgs = (settings = '/etc/sendense/sendense.yaml'): readonly string[] => ['--config', settings];

/** Lines for folders that need not exist. */
export const writablePaths = (paths: readonly string[]): string[] =>
  paths.map((path) => `ReadWritePaths=${quoted(`-${path}`)}`);

/** What services may not do; those that read disks of this machine go without `PrivateDevices=`. */
export const hardening: string[] = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'KeyringMode=private',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
];

/**
 * A word of a unit file. Source: systemd.service(5), "Command lines".
 * @throws SendenseError `usage` for one with a line break or another control character: the next line would be the unit's
 */
export function quoted(word: string): string {
  if (/^[A-Za-z0-9_@:=,./+-]+$/.test(word)) return word;
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(word))
    throw new SendenseError('usage', `${JSON.stringify(word)} has a control character: no unit file can name it`);
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}
