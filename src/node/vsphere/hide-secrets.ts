import { escapeXml } from '../../host/net/escape-xml.ts';

/** As they are, and as they are sent. */
export const hideSecrets = (body: string, secrets: readonly string[]): string =>
  secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [escapeXml(secret), secret, encodeURIComponent(secret)])
    .reduce((hidden, secret) => hidden.replaceAll(secret, '***'), body);
