import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory, where the system has it; a plain temporary folder otherwise. */
export function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK | constants.X_OK);
    return '/dev/shm';
  } catch {
    mkdirSync(tmpdir(), { recursive: true });
    return tmpdir();
  }
}

/**
 * An open file that holds a secret and has no name any more: a child that gets the descriptor as its number n reads it as
 * `/dev/fd/n`, as often as it likes. It got its content after its name was gone, and nothing of it outlives the last one who has
 * it open, however that ends. The caller closes it.
 */
export function openSecret(value: string): number {
  const path = join(memoryFolder(), `.sendense-${randomUUID()}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    writeSync(descriptor, value);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
