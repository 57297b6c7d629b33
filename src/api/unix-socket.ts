import { chmod, chown, lstat, mkdir, readFile, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { ListenError } from './listen-error.ts';

/** Owner and group may talk to the socket, nobody else. */
const SOCKET_MODE = 0o660;

/** The group whose members may use the command without being root. */
const CONTROL_GROUP = 'ai-sandbox';

/**
 * Binds `server` to a Unix socket of mode 0660, group `ai-sandbox` where that group exists. The file of a dead daemon is
 * replaced; a living one, a file that is no socket, or missing rights throw {@link ListenError}.
 */
export async function listenOnSocket(server: Server, path: string, log: Log): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    throw refused(path, error);
  });
  try {
    await bind(server, path);
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw refused(path, error);
    await clearStale(path);
    await bind(server, path).catch((again: unknown) => {
      throw refused(path, again);
    });
  }
  await chmod(path, SOCKET_MODE);
  const groupId = await groupIdOf(CONTROL_GROUP);
  // A directory with the set-group-ID bit has given it already: under the unit's sandbox nobody may change owners.
  if (groupId === null || (await lstat(path)).gid === groupId) return;
  await chown(path, process.geteuid?.() ?? 0, groupId).catch((error: unknown) =>
    log.warn(`${path} could not be given to the group ${CONTROL_GROUP}: ${errorMessage(error)}`),
  );
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Throws {@link ListenError} when a daemon answers on the socket: two would write the same files and run the same services. */
export async function refuseSecondDaemon(path: string): Promise<void> {
  if (!(await answers(path))) return;
  throw new ListenError(
    'already_running',
    `another ai-sandbox daemon answers on ${path}; stop it first: systemctl stop ai-sandbox`,
  );
}

async function clearStale(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => null);
  if (entry !== null && !entry.isSocket()) {
    throw new ListenError('socket_path_taken', `${path} exists and is not a socket; move it away`);
  }
  await refuseSecondDaemon(path);
  await rm(path, { force: true }).catch((error: unknown) => {
    throw refused(path, error);
  });
}

/**
 * Whether a process listens there; one that hangs has the kernel accept for it, or its queue is full (EAGAIN), which counts too.
 * Without a time limit: the kernel answers at once, and after a standstill of this process a timer would be seen before that
 * answer, so that a daemon on a busy machine would take a dead one's socket for a living daemon.
 */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = errorCode(error);
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function refused(path: string, error: unknown): ListenError {
  const code = errorCode(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new ListenError(
      'permission_denied',
      `the control socket ${path} may not be created (${code}); run the daemon as root or set AI_SANDBOX_SOCKET`,
      error,
    );
  }
  return new ListenError('listen_failed', `the control socket ${path}: ${errorMessage(error)}`, error);
}

/** Node has no getgrnam; groups of a directory service are not looked up. */
async function groupIdOf(name: string): Promise<number | null> {
  const groups = await readFile('/etc/group', 'utf8').catch(() => '');
  for (const line of groups.split('\n')) {
    const [group, , id] = line.split(':');
    if (group === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  return null;
}
