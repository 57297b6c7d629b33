import { errorCode, errorMessage } from '../lib/errors.ts';

/** Why a listener could not be opened. */
export type ListenErrorCode =
  | 'already_running'
  | 'port_in_use'
  | 'permission_denied'
  | 'address_not_available'
  | 'socket_path_taken'
  | 'listen_failed';

/** A listener that could not be opened; the message is one sentence for the person who starts the daemon. */
export class ListenError extends Error {
  readonly code: ListenErrorCode;
  constructor(code: ListenErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ListenError';
    this.code = code;
  }
}

/** The sentence for an error of listening on TCP. */
export function tcpListenError(host: string, port: number, error: unknown): ListenError {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new ListenError(
        'port_in_use',
        `${address} is in use by another program; find it with: ss -ltnp 'sport = :${port}', or set AI_SANDBOX_LISTEN`,
        error,
      );
    case 'EACCES':
      return new ListenError(
        'permission_denied',
        `${address} may not be listened on (ports below 1024 need root); set AI_SANDBOX_LISTEN`,
        error,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ListenError(
        'address_not_available',
        `${host} is not an address of this machine; set AI_SANDBOX_LISTEN`,
        error,
      );
    default:
      return new ListenError('listen_failed', `${address}: ${errorMessage(error)}`, error);
  }
}
