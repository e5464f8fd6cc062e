import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { packageRoot } from '../../schemas/package.ts';

/** Where the Debian packages have the programs and Node. */
export const packagedRoot = '/usr/lib/sendense';

/** How a service starts a program of this installation. */
export const serviceProgram = (name: 'sendense-node' | 'sendense-run'): readonly string[] =>
  packageRoot === packagedRoot ? [`/usr/bin/${name}`] : [process.execPath, join(packageRoot, `dist/cli/${name}.js`)];

/** @throws SendenseError `service.program` where services, which see no homes and have temporary folders of their own, cannot read it */
export function assertReadable(program: readonly string[]): void {
  const hidden = program.find((path) => /^\/(home|root|run\/user|tmp|var\/tmp)\//.test(path));
  if (hidden !== undefined) throw new SendenseError('service.program', `${hidden} is where services cannot read`);
}
