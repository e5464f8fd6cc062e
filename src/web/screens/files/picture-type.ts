/** How files of a kind begin: bytes, null for any. */
const kinds: readonly (readonly [type: string, ...begins: readonly (number | null)[]])[] = [
  ['image/png', 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  ['image/jpeg', 0xff, 0xd8, 0xff],
  ['image/gif', 0x47, 0x49, 0x46, 0x38],
  ['image/webp', 0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50],
];

/** The type of a picture by its first bytes; null: none that the page shows. SVG is a document, and is none of them. */
export function pictureType(bytes: Uint8Array): string | null {
  const found = kinds.find(([, ...begins]) => begins.every((byte, at) => byte === null || bytes[at] === byte));
  return found?.[0] ?? null;
}
