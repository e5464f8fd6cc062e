import { statSync } from 'node:fs';
import { effectiveConfig, type SshdCheck } from '../../host/ssh/effective-sshd.ts';
import { findUser, type SystemUser } from '../../host/system/system-user.ts';
import type { SshdConfigOutput } from '../../schemas/types.ts';
import { listNodes } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import { accountDifferences } from './account-differences.ts';
import { authorizedKeysLines, readAuthorizedKeys, type AuthorizedKeysPlaces } from './authorized-keys.ts';
import type { HubPlaces } from './hub-places.ts';
import { folderDifferences } from './strict-modes.ts';

type Difference = SshdConfigOutput['differences'][number];

/** Keys of the Match block: everything but the forwards of authorized_keys is off, and a dead peer is noticed in 20 s. */
const matchBlock = (places: HubPlaces): readonly (readonly [string, string])[] => [
  ['AuthorizedKeysFile', places.authorizedKeysFile],
  ['AuthorizedKeysCommand', 'none'],
  ['AuthenticationMethods', 'publickey'],
  ['PubkeyAuthentication', 'yes'],
  ['PasswordAuthentication', 'no'],
  ['KbdInteractiveAuthentication', 'no'],
  // Each is a process of this program.
  ['MaxSessions', '1'],
  ['AllowTcpForwarding', 'yes'],
  ['AllowStreamLocalForwarding', 'no'],
  ['AllowAgentForwarding', 'no'],
  ['X11Forwarding', 'no'],
  ['PermitTTY', 'no'],
  ['PermitTunnel', 'no'],
  ['PermitUserRC', 'no'],
  ['PermitOpen', 'any'],
  ['PermitListen', 'any'],
  ['GatewayPorts', 'no'],
  ['ForceCommand', 'none'],
  ['ClientAliveInterval', '5'],
  ['ClientAliveCountMax', '3'],
];

/** What sshd must have beside the block, and what it says where that is not set. */
const global: readonly (readonly [string, string])[] = [['PermitUserEnvironment', 'no']];

/** The lines for sshd_config; the forwards of each node stand in the authorized_keys file, which narrows `any` down. */
export const sshdConfigText = (places: HubPlaces): string =>
  [
    '# /etc/ssh/sshd_config.d/sendense.conf, made by `sendense-run node sshd-config`. Then: sshd -t && systemctl reload ssh',
    `Match User ${places.user}`,
    ...matchBlock(places).map(([key, value]) => `    ${key} ${/\s/.test(value) ? `"${value}"` : value}`),
  ].join('\n');

/** @param check asks sshd and the file what they say, `configFile` being sshd's own (default: the system's) */
export async function describeSshdConfig(
  state: State,
  options: AuthorizedKeysPlaces,
  check: SshdCheck | null,
): Promise<SshdConfigOutput> {
  const { places } = options;
  const lines = authorizedKeysLines(listNodes(state), options);
  const differences = check ? await differencesIn(state, places, lines, check) : [];
  return {
    version: 1,
    config: sshdConfigText(places),
    authorized_keys: { path: places.authorizedKeysFile, lines },
    checked: check !== null,
    differences,
  };
}

async function differencesIn(
  state: State,
  places: HubPlaces,
  lines: readonly string[],
  check: SshdCheck,
): Promise<Difference[]> {
  const effective = await effectiveConfig(places.user, check);
  const user = await findUser(places.user);
  const isStrict = effective.get('strictmodes')?.[0] !== 'no';
  return [
    ...configDifferences(places, effective),
    ...fileDifferences(state, places, lines),
    ...(isStrict && user ? folderDifferences(places.authorizedKeysFile, user) : []),
    ...userDifferences(state, places, user),
    ...(user ? accountDifferences(user, effective.get('usepam')?.[0] === 'yes') : []),
  ];
}

function configDifferences(places: HubPlaces, effective: ReadonlyMap<string, string[]>): Difference[] {
  return [...matchBlock(places), ...global].flatMap(([key, wanted]) => {
    const found = effective.get(key.toLowerCase()) ?? [];
    if (found.includes(wanted) && found.length === 1) return [];
    const remedy =
      key === 'PermitUserEnvironment'
        ? 'Set `PermitUserEnvironment no` outside of any Match block.'
        : `Put the lines of \`sendense-run node sshd-config\` into a file of /etc/ssh/sshd_config.d/, before other Match blocks for this user, and reload sshd.`;
    return [
      {
        about: key,
        message: `is ${found.join(', ') || 'not there'} for user ${places.user}, and must be ${wanted}`,
        remedy,
      },
    ];
  });
}

/** The port of this machine's sshd, as far as it says so; 22 where it does not. */
export async function sshdPort(user: string): Promise<number> {
  try {
    return Number((await effectiveConfig(user, {})).get('port')?.[0] ?? 22);
  } catch {
    return 22;
  }
}

function fileDifferences(
  state: State,
  { authorizedKeysFile: path }: HubPlaces,
  wanted: readonly string[],
): Difference[] {
  const remedy =
    'Any of `sendense-run node add|rename|revoke|remove` writes the file anew; `sendense-run node sshd-config --write` does nothing else.';
  const { ours, foreign } = readAuthorizedKeys(path);
  const nameOf = (line: string): string => line.split(' ').at(-1) ?? '';
  const differences: Difference[] = [
    ...wanted
      .filter((line) => !ours.includes(line))
      .map((line) => ({ about: path, message: `lacks this line for ${nameOf(line)}, or has a different one`, remedy })),
    ...ours
      .filter((line) => !wanted.includes(line))
      .map((line) => ({ about: path, message: `has a line for ${nameOf(line)} that must not be there`, remedy })),
    ...foreign.map((line) => ({
      about: path,
      message: `has a line that is not ours: ${line.split(' ').at(-1) ?? ''}`,
      remedy: 'The owner of that key can log in as this user. Remove the line, unless you know why it is there.',
    })),
  ];
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts)
    return wanted.length === 0 ? differences : [...differences, { about: path, message: 'is not there', remedy }];
  if ((facts.mode & 0o077) !== 0)
    differences.push({
      about: path,
      message: `has mode ${(facts.mode & 0o777).toString(8)}`,
      remedy: `chmod 600 ${path}`,
    });
  const owner = statSync(state.path, { throwIfNoEntry: false })?.uid ?? facts.uid;
  if (facts.uid !== owner)
    differences.push({
      about: path,
      message: `belongs to user ${facts.uid}, and the state database to ${owner}`,
      remedy: `chown ${owner} ${path}`,
    });
  return differences;
}

/** The forced commands run as that user and write the state database. */
function userDifferences(state: State, { user }: HubPlaces, found: SystemUser | null): Difference[] {
  const owner = statSync(state.path, { throwIfNoEntry: false })?.uid;
  if (found === null)
    return [
      {
        about: 'user',
        message: `there is no user ${user}`,
        remedy: `Make it: useradd --system --shell /bin/sh --password '*' ${user}; or name another with \`hub: user\`.`,
      },
    ];
  if (owner === undefined || owner === found.uid) return [];
  return [
    {
      about: 'user',
      message: `${user} is user ${found.uid}, and the state database belongs to ${owner}`,
      remedy: `Give the folder of the state database to ${user}, or name its owner with \`hub: user\`.`,
    },
  ];
}
