/** How many SSH connections carry the disks of a node at most; `slot` in schemas/link/request.json counts up to it. */
export const dataConnections = 4;

/** 127.0.0.1 and those after it. Linux answers at all of 127.0.0.0/8 (ip(7)). */
export const loopbackAddresses = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
