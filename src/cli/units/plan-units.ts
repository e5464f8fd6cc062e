import type { ServiceUnit } from './install-services.ts';
import { capabilitiesOfRuns, hardening, quoted, unitMark, writablePaths } from './units.ts';

export interface PlanUnitOptions {
  readonly plan: string;
  /** Absolute. */
  readonly file: string;
  readonly program: readonly string[];
  /** Absolute: the settings. */
  readonly config: string;
  readonly user: string;
  /** `OnCalendar=`; one of them is enough. */
  readonly calendar: readonly string[];
  /** State folder and repositories. */
  readonly writable: readonly string[];
  /** As in `UnitOptions`. */
  readonly immutable: boolean;
}

/** A name that no other unit of Sendense has; plans' names are safe in file names. */
export const planUnitName = (plan: string): string => `sendense-plan-${plan}`;

/** The timer of a plan, and the service that it starts. Whether anything is due then is decided by `schedule run --timer`. */
export function planUnits(options: PlanUnitOptions): ServiceUnit[] {
  const name = planUnitName(options.plan);
  return [
    { name, type: 'service', text: serviceText(name, options), byTimer: true },
    { name, type: 'timer', text: timerText(name, options) },
  ];
}

const timerText = (name: string, { plan, calendar }: PlanUnitOptions): string =>
  `${[
    `${unitMark} ${name}`,
    '[Unit]',
    `Description=Sendense: slots of plan ${plan}`,
    '',
    '[Timer]',
    ...calendar.map((line) => `OnCalendar=${line}`),
    '# What was missed while the machine was off is looked at when it starts.',
    'Persistent=true',
    '# No RandomizedDelaySec=: the jitter of the plan is kept by the service.',
    'AccuracySec=1s',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ].join('\n')}\n`;

function serviceText(name: string, options: PlanUnitOptions): string {
  const { plan, file, program, config, user, writable, immutable } = options;
  const words = [...program, '--config', config, '--quiet', 'schedule', 'run', '--timer', file];
  return `${[
    `${unitMark} ${name}`,
    '[Unit]',
    `Description=Sendense: what is due of plan ${plan}`,
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${words.map(quoted).join(' ')}`,
    '# Done, with warnings.',
    'SuccessExitStatus=3',
    '# The first SIGTERM lets a run clean up.',
    'KillMode=mixed',
    'TimeoutStopSec=300',
    'LimitCORE=0',
    `User=${user}`,
    `Group=${user}`,
    'StateDirectory=sendense',
    'StateDirectoryMode=0700',
    `RuntimeDirectory=${name}`,
    'RuntimeDirectoryMode=0700',
    'CacheDirectory=sendense-daemon',
    'CacheDirectoryMode=0700',
    `Environment=TMPDIR=/run/${name} XDG_CACHE_HOME=/var/cache/sendense-daemon`,
    'UMask=0077',
    'LimitNOFILE=65536',
    'SyslogIdentifier=%N',
    'LoadCredential=sendense.key',
    ...capabilitiesOfRuns(immutable),
    ...writablePaths(writable),
    ...hardening.filter((line) => line !== 'PrivateDevices=yes'),
  ].join('\n')}\n`;
}
