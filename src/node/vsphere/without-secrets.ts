/**
 * Names of settings that may hold what nobody but the guest should read: passwords, keys, and what cloud-init or Ignition
 * are given, which is full of both.
 */
const secret =
  /passw|passphrase|secret|token|credential|key.?id|keysafe|private.?key|vnc\.key|userdata|user-data|vendordata|vendor-data|ignition|encryption\.|ovfenv|guestinfo\.metadata|machine\.id/i;

export const mayBeSecret = (name: string): boolean => secret.test(name);

/** A .vmx file without the lines whose names say that they hold secrets, and how many those were. */
export function vmxWithoutSecrets(text: string): { text: string; dropped: number } {
  const lines = text.split('\n');
  const kept = lines.filter((line) => !mayBeSecret(line.split('=')[0] ?? ''));
  return { text: kept.join('\n'), dropped: lines.length - kept.length };
}
