/**
 * TCP keep-alive for every connection that may wait for long. Where the line is silent, the kernel ends a connection on which
 * nothing is under way after 20 s: it asks after 10 s without a byte, then each second, ten times (libuv, `uv_tcp_keepalive`). The
 * error is ETIMEDOUT. With `keepAlive: true` alone it first asks after two hours.
 *
 * It does not see the loss of bytes that were sent and not confirmed: the kernel sends those again for about 15 minutes
 * (tcp(7), `tcp_retries2`). So whoever sends has a time limit of their own, too.
 */
export const firstProbeMs = 10_000;

/** For `connect` of node:net and node:tls, and for servers. @types/node does not know that node:tls hands them on. */
export const keptAlive = { keepAlive: true, keepAliveInitialDelay: firstProbeMs };

/** For agents that keep connections: else Node.js lowers the 10 s to 1 s when a connection is used again. */
export const keptAliveAgent = { keepAlive: true, keepAliveMsecs: firstProbeMs };
