import { join } from 'node:path';
import { flagValue } from '../compose/served-model.ts';
import type { ComposeProject } from '../compose/service-spec.ts';
import { credentialLines } from '../deployment/credentials.ts';
import { writeCredentials } from '../deployment/credentials-file.ts';
import { findAccount } from '../host/account.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Finding } from '../status/problem.ts';
import type { Status } from '../status/schema.ts';

/** Where the credentials of Linode's Marketplace stand in a home directory. */
const FILE_NAME = '.credentials';

/** The user whose home is taken where the wanted one is none of this machine. */
const FALLBACK_USER = 'root';

/** The credentials file of the person who asked for this machine. */
export interface CredentialsKeeper {
  /** Takes the secrets from what the services really get. */
  setProject(project: ComposeProject): void;
  /** Writes what is new. Returns a finding while the file cannot be written; never rejects. */
  write(status: Status): Promise<Finding | null>;
  /** The file, once it has been written; null before, and where none is wanted. */
  path(): string | null;
}

/** Makes the keeper of the file of `user`; null: no file is wanted. */
export function createCredentialsKeeper(parts: {
  user: string | null;
  log: Log;
  /** For tests; default: /etc/passwd. */
  passwd?: string;
}): CredentialsKeeper {
  const { user, log } = parts;
  let project: ComposeProject | null = null;
  let written: { path: string; content: string } | null = null;

  const place = async (wanted: string) => {
    const account = await findAccount(wanted, parts.passwd);
    if (account !== null) return account;
    log.warn(`there is no user ${wanted}; the credentials go to ${FALLBACK_USER}`);
    const fallback = await findAccount(FALLBACK_USER, parts.passwd);
    if (fallback === null) throw new Error(`there is neither a user ${wanted} nor ${FALLBACK_USER}`);
    return fallback;
  };

  return {
    setProject(next) {
      project = next;
    },
    path: () => written?.path ?? null,
    async write(status) {
      if (user === null || project === null) return null;
      const lines = credentialLines(factsOf(project, status));
      const content = JSON.stringify(lines);
      if (content === written?.content || lines.length === 0) return null;
      let path = '';
      try {
        const account = await place(user);
        path = join(account.home, FILE_NAME);
        if (await writeCredentials(path, account, lines)) log.info(`the credentials are in ${path}`);
        written = { path, content };
        return null;
      } catch (error) {
        return { code: 'credentials_not_writable', detail: `${path || user}: ${errorMessage(error)}` };
      }
    },
  };
}

function factsOf(project: ComposeProject, { links, model }: Status) {
  const service = (name: string) => project.services.find((each) => each.name === name);
  const [ui, api] = [service('ui'), service('api')];
  const key = flagValue(api?.command ?? [], '--api-key') ?? api?.environment['VLLM_API_KEY'];
  return {
    pageUrl: links.ui,
    apiUrl: links.api === null ? null : `${links.api}/v1`,
    model: model.model_identifier,
    adminEmail: textOf(ui?.environment['WEBUI_ADMIN_EMAIL']),
    adminPassword: textOf(ui?.environment['WEBUI_ADMIN_PASSWORD']),
    apiKey: textOf(key),
  };
}

function textOf(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
