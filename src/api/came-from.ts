import type { FastifyRequest } from 'fastify';

/** How a request came. */
export interface CameFrom {
  /** Address of who asks; undefined at a Unix socket, and where it has gone already. */
  readonly peer: string | undefined;
  /** Over TLS all the way. */
  readonly secure: boolean;
  /** For which name and port. */
  readonly host: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where the request could not be read. */
    cameFrom?: CameFrom;
  }
}

type Asked = Pick<FastifyRequest, 'socket' | 'headers'>;

/** What the connection itself says. */
export const directly = ({ socket, headers }: Asked): CameFrom => ({
  peer: socket.remoteAddress,
  secure: (socket as { readonly encrypted?: boolean }).encrypted === true,
  host: headers.host,
});

/** How a request came, also where nobody has looked yet. */
export const cameFromOf = (request: Asked & Pick<FastifyRequest, 'cameFrom'>): CameFrom =>
  request.cameFrom ?? directly(request);
