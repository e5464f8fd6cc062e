const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** Text for an element, or for an attribute between double quotes. Characters that XML cannot hold at all are dropped. */
export const escapeXml = (value: string): string =>
  value
    .toWellFormed()
    // oxlint-disable-next-line no-control-regex -- exactly these are not allowed in XML 1.0
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll(/[&<>"\r]/g, (character) => entities[character] ?? '');
