import { readRegular, readRegularNow } from '../host/files/regular-file.ts';

/** Bytes of a manifest: one of 1,024 disks has some 2 MB. Whatever is larger is none, and what is written must be readable. */
export const mostManifestBytes = 8 * 1024 * 1024;

/** @throws as {@link readRegular}; `EFBIG` for what is too large */
export const readManifestFile = (path: string): Promise<Buffer> => readRegular(path, mostManifestBytes);

/** {@link readManifestFile} within one turn of the event loop. */
export const readManifestFileNow = (path: string): Buffer => readRegularNow(path, mostManifestBytes);
