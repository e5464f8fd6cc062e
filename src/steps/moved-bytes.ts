/** What was read and sent for a disk, bytes; missing where a node of an older version did not say. */
export interface MovedBytes {
  readonly bytes_read?: number | undefined;
  readonly bytes_sent?: number | undefined;
}

/** Only what was said, to be spread into a document whose fields are never undefined. */
export const movedBytes = ({
  bytes_read: read,
  bytes_sent: sent,
}: MovedBytes): { bytes_read?: number; bytes_sent?: number } => ({
  ...(read === undefined ? {} : { bytes_read: read }),
  ...(sent === undefined ? {} : { bytes_sent: sent }),
});

/** Of all disks together; missing where one of them does not say. */
export function totalBytes<K extends string>(
  disks: readonly { readonly [field in K]?: number | undefined }[],
  field: K,
): { [field in K]?: number } {
  const all = disks.map((disk) => disk[field]);
  if (!all.every((bytes) => bytes !== undefined)) return {};
  return { [field]: all.reduce<number>((sum, bytes) => sum + bytes, 0) } as { [field in K]?: number };
}
