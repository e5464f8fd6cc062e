import { SendenseError } from '../../errors/sendense-error.ts';
import { runTool } from '../programs/process.ts';

/**
 * Makes a user and a group for services where there is none of this name.
 * @param home is named only, not made
 * @throws SendenseError `service.failed`
 */
export async function makeUser(name: string, home: string): Promise<void> {
  const known = await runTool('getent', ['passwd', name], { allowFailure: true });
  if (known.exitCode === 0) return;
  const { exitCode, stderr } = await runTool(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--home-dir', home, '--shell', '/usr/sbin/nologin', name],
    { allowFailure: true },
  );
  if (exitCode !== 0) throw new SendenseError('service.failed', `the user ${name} cannot be made: ${stderr.trim()}`);
}

/** An account of this machine. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
}

/** Null where there is none of this name. @throws SendenseError `tool.failed`, `tool.missing` */
export async function findUser(name: string): Promise<SystemUser | null> {
  const { stdout, exitCode } = await runTool('getent', ['passwd', name], { allowFailure: true });
  const [found, , uid, , , home, shell = ''] = stdout.split('\n')[0]?.split(':') ?? [];
  if (exitCode !== 0 || found === undefined || uid === undefined || home === undefined) return null;
  // passwd(5): an empty one is /bin/sh.
  return { name: found, uid: Number(uid), home, shell: shell === '' ? '/bin/sh' : shell };
}
