import { parseJson } from '../schemas/parse-json.ts';
import { readManifestFile, readManifestFileNow } from './manifest-file.ts';

/** What a manifest says of itself, which need not be sound; texts only. */
export interface ManifestSays {
  readonly checksum?: string | undefined;
  readonly run_id?: string | undefined;
}

/**
 * Null: there is none. Nothing of one that is no JSON object.
 * @throws NodeJS.ErrnoException where it cannot be read, or is no regular file
 */
export async function manifestSays(path: string): Promise<ManifestSays | null> {
  try {
    return saidIn(await readManifestFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** {@link manifestSays} within one turn of the event loop; null also where it cannot be read. */
export function manifestSaysNow(path: string): ManifestSays | null {
  try {
    return saidIn(readManifestFileNow(path));
  } catch {
    return null;
  }
}

function saidIn(text: Buffer): ManifestSays {
  let value: unknown;
  try {
    value = parseJson(text.toString('utf8'));
  } catch {
    return {};
  }
  const { checksum, run_id } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return { checksum: textOf(checksum), run_id: textOf(run_id) };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
