/**
 * A name and the folders above it. The path is put together when it is needed: held for each folder on the way, deep folders would have
 * as many copies of its beginning.
 */
export interface Trail {
  readonly above: Trail | null;
  readonly name: Buffer;
  /** Of the path, bytes. */
  readonly bytes: number;
}

/** @param above null: the path begins with the name */
export const trailTo = (above: Trail | null, name: Buffer): Trail => ({
  above,
  name,
  bytes: (above === null ? 0 : above.bytes + 1) + name.length,
});

const slash = 0x2f;

/** With slashes between the names. */
export function pathAlong(trail: Trail): Buffer {
  const path = Buffer.allocUnsafe(trail.bytes);
  let end = trail.bytes;
  for (let at: Trail | null = trail; at; at = at.above) {
    if (at !== trail) path[--end] = slash;
    end -= at.name.length;
    path.set(at.name, end);
  }
  return path;
}
