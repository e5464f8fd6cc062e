/**
 * Takes the lock of a VM again and again, and adds one to the number in `pgtest1/count` each time, and a name to `pgtest1/names`:
 * `node lock-child.js ROOT NAME TIMES`. Says each number that it has written. What it writes goes through the lock.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { publishText, replaceText } from '../../src/repository/vm-lock/fenced.ts';
import { holdVm } from '../../src/repository/vm-lock/hold-vm.ts';

const [root = '', name = '', times = ''] = process.argv.slice(2);
const count = join(root, 'pgtest1/count');

for (let time = 0; time < Number(times); time++) {
  try {
    await using hold = await holdVm({ root, context: 'pgtest1', hub: name, run: `${name}-${time}`, waitMs: 60_000 });
    const next = Number(await readFile(count, 'utf8')) + 1;
    // Two that have the lock at once would give the same number twice.
    await publishText(hold, join(root, 'pgtest1', `number-${next}`), name);
    await replaceText(hold, count, String(next));
    process.stdout.write(`${next} ${hold.fence}\n`);
  } catch (error) {
    if (!(error instanceof SendenseError) || !['run.overtaken', 'file.exists'].includes(error.code)) throw error;
    process.stdout.write(`${error.code}\n`);
  }
}
