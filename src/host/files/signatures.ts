import { parseJson } from '../../schemas/parse-json.ts';
import { runTool } from '../programs/process.ts';

/** What a block device holds: `ext4 "root"`, `gpt`, `LVM2_member`, one for each signature. Source: wipefs(8). */
export async function signaturesOn(device: string, signal?: AbortSignal): Promise<string[]> {
  // Where programs of the system are is not always in the path of a user.
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const { stdout } = await runTool('wipefs', ['--no-act', '--json', device], { env, signal, timeoutMs: 60_000 });
  if (stdout.trim() === '') return [];
  const { signatures } = parseJson(stdout) as {
    readonly signatures: readonly { readonly type: string; readonly label: string | null }[];
  };
  return [...new Set(signatures.map(({ type, label }) => (label ? `${type} ${JSON.stringify(label)}` : type)))];
}
