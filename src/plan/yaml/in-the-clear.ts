/** Whether what is sent to this address can be read on the way: http, and not to this machine. What is no address is not sent. */
export function inTheClear(url: string): boolean {
  const { protocol, hostname } = URL.parse(url) ?? { protocol: '', hostname: '' };
  return protocol === 'http:' && !isLoopback(hostname);
}

/** Whether an address is one of the loopback. */
export const isThisMachine = (url: string): boolean => isLoopback(URL.parse(url)?.hostname ?? '');

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\.[0-9.]+$/.test(host);
