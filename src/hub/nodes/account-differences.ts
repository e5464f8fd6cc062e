import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { isLockedAccount } from '../../host/system/locked-account.ts';
import type { SystemUser } from '../../host/system/system-user.ts';
import type { SshdConfigOutput } from '../../schemas/types.ts';

type Difference = SshdConfigOutput['differences'][number];

/** Why sshd would let nobody in as that user, or run nothing for him, whatever its configuration says. */
export function accountDifferences({ name, shell }: SystemUser, usesPam: boolean): Difference[] {
  const about = `user ${name}`;
  const differences: Difference[] = [];
  if (!usesPam && isLockedAccount(name) === true)
    differences.push({
      about,
      message:
        'has a locked password (`!` in /etc/shadow): an sshd with `UsePAM no` takes the account for locked, keys or not',
      remedy: `usermod -p '*' ${name}: no password fits, and keys do. Or set \`UsePAM yes\`.`,
    });
  if (['nologin', 'false'].includes(basename(shell)) || !isProgram(shell))
    differences.push({
      about,
      message: `has the shell ${shell}, which runs no command: sshd starts \`sendense-run node link\` with the shell`,
      remedy: `usermod -s /bin/sh ${name}`,
    });
  return differences;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
