/** What was sent for a disk or a VM. Older versions told only what the areas cover, holes included. */
export const sentBytes = (moved: {
  readonly bytes_sent?: number | undefined;
  readonly bytes_transferred: number;
}): number => moved.bytes_sent ?? moved.bytes_transferred;
