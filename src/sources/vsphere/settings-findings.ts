import type { Finding, Path } from '../../errors/findings/finding.ts';
import { parseHostAndPort } from '../../schemas/host-and-port.ts';
import { shown, wordOf } from '../../errors/findings/words.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** Transports that need a section of their name in the source. */
export const sectionOf: Readonly<Record<string, 'vddk' | 'ssh'>> = { vddk: 'vddk', ssh: 'ssh' };

/** What a schema cannot say about a vSphere source of the settings. It may still have mistakes of form. */
export function settingsFindings(source: Mapping, path: Path): Finding[] {
  return [loginFindings, trustFindings, addressFindings, transportFindings].flatMap((check) => check(source, path));
}

function loginFindings(source: Mapping, path: Path): Finding[] {
  const has = (key: string): boolean => source[key] !== undefined;
  const finding = (message: string, key?: string): Finding[] => [
    { rule: 'settings/vsphere-login', at: { path: key === undefined ? path : [...path, key] }, message },
  ];
  const name = shown(path.at(-1));
  if (has('credential')) {
    const others = ['user', 'password'].filter(has);
    const [first] = others;
    const written = ['credential', ...others].map((key) => `\`${key}\``);
    return first === undefined
      ? []
      : [
          {
            rule: 'settings/vsphere-login',
            at: { path: [...path, first] },
            message: `source ${name} has ${written.slice(0, -1).join(', ')} and ${written.at(-1)}; a credential has a user and a password of its own`,
            remedy: `Keep one of them: \`credential\`, or \`user\` and \`password\`.`,
          },
        ];
  }
  if (has('user') && has('password')) return [];
  if (has('user')) return finding(`source ${name} has a user and no password`, 'user');
  if (has('password')) return finding(`source ${name} has a password and no user`, 'password');
  return finding(`source ${name} does not say how to log in`);
}

function trustFindings(source: Mapping, path: Path): Finding[] {
  if (source['thumbprint'] === undefined || source['ca'] === undefined) return [];
  const message = `source ${shown(path.at(-1))} has a thumbprint and a ca: which of them counts?`;
  return [{ rule: 'settings/vsphere-trust', at: { path: [...path, 'ca'] }, message }];
}

function addressFindings(source: Mapping, path: Path): Finding[] {
  const { host } = source;
  const address = typeof host === 'string' ? parseHostAndPort(host, 443) : null;
  // The schema says what is wrong with the form.
  if (!address || !('fault' in address) || address.fault === 'form') return [];
  return [{ rule: 'settings/vsphere-host', at: { path: [...path, 'host'], part: 'value' }, message: address.message }];
}

/** Only of a list that is written: the default one leaves out what is not configured. */
function transportFindings(source: Mapping, path: Path): Finding[] {
  const { transports } = source;
  return (Array.isArray(transports) ? transports : []).flatMap((transport: unknown, index): Finding[] => {
    const name = wordOf(transport);
    const section = Object.hasOwn(sectionOf, name) ? sectionOf[name] : undefined;
    if (section === undefined || source[section] !== undefined) return [];
    return [
      {
        rule: 'settings/vsphere-transport',
        at: { path: [...path, 'transports', index], part: 'value' },
        message: `source ${shown(path.at(-1))} has no section ${section}, which the transport ${section} needs`,
        remedy: remedyOf(section),
      },
    ];
  });
}

export const remedyOf = (section: 'vddk' | 'ssh'): string =>
  section === 'vddk'
    ? 'Add vddk: { libdir: FOLDER } to the source in sendense.yaml, or leave out this transport.'
    : 'Add ssh: { identity: FILE, knownHosts: FILE } to the source in sendense.yaml, or leave out this transport.';
