import type { ProblemRow } from './row.ts';

/** The chat page and the chats. */
export const CHAT_PROBLEMS = {
  chat_not_mounted: {
    class: 'fatal',
    title: 'Chats are lost when the chat service is re-created',
    cause: 'Nothing is mounted at /app/backend/data of the ui service.',
    remedy: 'Add to the ui service: volumes: ["/opt/open-webui:/app/backend/data"].',
  },
  chat_directory_not_writable: {
    class: 'host',
    title: 'The chat directory cannot be written',
    cause: 'The directory is read-only or not ours.',
    remedy: 'Mend the rights of the directory that is named.',
  },
  chat_database_elsewhere: {
    class: 'fatal',
    title: 'The chats are kept somewhere else',
    cause:
      'The page is ready, but has made no database in the directory that is mounted for it: DATABASE_URL or DATA_DIR sends it elsewhere, where the daemon cannot see whether it lasts, or its file was removed under it.',
    remedy:
      'Take DATABASE_URL and DATA_DIR out of the ui service in the compose file, or see yourself to the database they name.',
  },
  chat_database_corrupt: {
    class: 'fatal',
    title: 'The chat database is damaged',
    cause: 'The check of the database found damage, after a power cut or a failing disk.',
    remedy: 'Stop the chat service (ai-sandbox stop ui), restore a copy of webui.db, start it again.',
  },
  chat_database_locked: {
    class: 'transient',
    title: 'The chat database is locked by another process',
    cause:
      'A second container, a backup or a person has webui.db open and writes to it, or it lies on a network disk.',
    remedy:
      'End the other program (fuser -v /opt/open-webui/webui.db shows it); keep the database on a local disk.',
  },
  chat_disk_failed: {
    class: 'host',
    title: 'The disk under the chat database fails',
    cause:
      'Reading or writing webui.db ended with an error of the disk, of a network file system, or of a full one.',
    remedy:
      'Look for disk errors: journalctl -k | grep -i error; keep the database on a local disk with free space, and restore a copy where it is damaged.',
  },
  chat_database_newer: {
    class: 'fatal',
    title: 'The chat database was written by a newer version of the chat page',
    cause:
      'The image was set back to an older version; the older program does not know the newer form of the database.',
    remedy:
      'Use the newer image again, or restore a copy of webui.db from before the upgrade (ai-sandbox stop ui first).',
  },
  chat_migration_failed: {
    class: 'fatal',
    title: 'The chat database could not be brought to the form of this version',
    cause: 'An earlier change of the form ended half way, or the database was changed by hand.',
    remedy:
      'Stop the chat service (ai-sandbox stop ui), restore a copy of webui.db from before the upgrade, start it again; or use the former image.',
  },
  chat_database_unreachable: {
    class: 'transient',
    title: 'The database server of the chat page does not answer',
    cause: 'DATABASE_URL names a server that is down, unknown, or refuses user, password or database.',
    remedy: 'Check the server and DATABASE_URL; it is tried again by itself.',
  },
  chat_cache_unreachable: {
    class: 'transient',
    title: 'The Redis server of the chat page does not answer',
    cause: 'REDIS_URL or WEBSOCKET_REDIS_URL names a server that is down, unknown, or refuses the password.',
    remedy: 'Check the server and the URL, or remove REDIS_URL and WEBSOCKET_MANAGER from the ui service.',
  },
  vector_store_failed: {
    class: 'fatal',
    title: 'The store for documents of the chat page cannot be used',
    cause:
      'The files under vector_db are damaged or of another version, or the vector database server does not answer.',
    remedy:
      'Move /opt/open-webui/vector_db away and start again (documents have to be indexed anew), or check VECTOR_DB and its server.',
  },
  chat_secret_missing: {
    class: 'fatal',
    title: 'The chat page has no secret key',
    cause: 'WEBUI_SECRET_KEY is empty, so sessions cannot be signed.',
    remedy:
      'Let the ui service read WEBUI_SECRET_KEY from .env in the compose file; its value there is made by itself.',
  },
  ui_setting_invalid: {
    class: 'fatal',
    title: 'A setting of the chat page is not valid',
    cause:
      'A variable in the environment of the ui service has a value the program cannot use, or an option does not exist.',
    remedy: 'Correct the variable that the detail names in the compose file or in .env.',
  },
  ui_program_broken: {
    class: 'fatal',
    title: 'The program of the chat page is not complete',
    cause: 'A package or file is missing in the image, or packages do not fit each other.',
    remedy: 'Use an unmodified image of Open WebUI of one version, and pull it again.',
  },
} as const satisfies Record<string, ProblemRow>;
