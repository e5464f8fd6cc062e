import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kvmWorks } from '../host/images/qemu-system.ts';
import { bootId } from '../host/programs/process-identity.ts';

/**
 * What runs a guest on this machine. A KVM that hangs takes seconds to be told: the answer is kept until the machine is started again.
 * @param folder in which it is kept: only this user can write there
 */
export async function chosenAccel(
  wanted: 'auto' | 'kvm' | 'tcg',
  folder: string,
  signal?: AbortSignal,
): Promise<'kvm' | 'tcg'> {
  if (wanted !== 'auto') return wanted;
  const file = join(folder, 'no-kvm');
  if ((await readFile(file, 'utf8').catch(() => '')) === bootId()) return 'tcg';
  if (await kvmWorks(signal)) return 'kvm';
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, bootId(), { mode: 0o600 });
  return 'tcg';
}
