import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../../src/host/programs/process.ts';
import { packageRoot } from '../../../src/schemas/package.ts';

export interface ReadyProgram {
  readonly program: string;
  /** `libdir` for nbdkit's vddk plugin: the stand-in for VMware's library. */
  readonly vddkLibdir: string;
  /** The plugin where the system has none. */
  readonly vddkPlugin: string | null;
  /** The command line of govmomi; it may be missing. */
  readonly govc: string;
}

/** A cold build on a busy machine. */
const buildMs = 300_000;

/** The test vCenter, built on first use into .toolchain/simulators/; `setup.sh --tests` does it beforehand. */
export async function readyProgram(signal?: AbortSignal): Promise<ReadyProgram> {
  const script = join(packageRoot, 'test/simulators/vcenter/ready.sh');
  const { stdout: folder } = await runTool('sh', [script], { signal, timeoutMs: buildMs });
  const plugin = join(folder, '../nbdkit-vddk-plugin.so');
  return {
    program: join(folder, 'vcenter'),
    vddkLibdir: join(folder, 'vddk'),
    vddkPlugin: existsSync(plugin) ? plugin : null,
    govc: join(folder, '../govc'),
  };
}
