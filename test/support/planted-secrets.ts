import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** What is planted, and where a person would set it. */
export const PLANTED = {
  apiKey: 'planted+api/key="1"&',
  webuiSecret: 'planted-webui-secret-2',
  adminPassword: 'planted admin password 3',
  databasePassword: 'planted-database-password-4',
  inlineToken: 'planted-inline-token-5',
  hubTokenFile: 'hf_PlantedInTheTokenFile6',
  hubTokenVariable: 'hf_PlantedInTheVariable7',
  registryPassword: 'planted-registry-password-8',
  printedShape: 'hf_PlantedShapeInALog9',
  printedBearer: 'Bearer PlantedBearerInALog10',
  urlPassword: 'planted-url-password-11',
  commandKey: 'planted-command-key-12',
  environmentFile: 'planted-in-an-env-file-13',
  letInPassword: 'planted-let-in-password-14',
  hubTokenCredential: 'hf_PlantedAsACredential15',
  proxyPassword: 'planted-proxy-password-16',
} as const;
/** One of them. */
export type Secret = keyof typeof PLANTED;

/** Text of the env_file that {@link composeWithWeb} names `web.env`. */
export const WEB_ENVIRONMENT_FILE = `SMTP_PASS=${PLANTED.environmentFile}\n`;

/** The variable that the file lets in from the daemon's own environment, and its value there. */
export const LET_IN = { OUTSIDE_URL: `postgresql://user:${PLANTED.letInPassword}@db.example.org/chats` };

/** The shipped file with a service that prints all it has been given, and secrets by their shape, and ends. */
export async function composeWithWeb(image: string): Promise<string> {
  const template = await readFile(
    fileURLToPath(new URL('../../compose/docker-compose.cpu.yml', import.meta.url)),
    'utf8',
  );
  // Put together only when it runs, so that the secrets are in its log and not in its command.
  const script = [
    'env',
    'echo "the key is $2"',
    'rest=$' + '{DATABASE_URL#*user:}; echo "the password is $' + '{rest%%@*}"',
    "printf 'hf_%s\\n' PlantedShapeInALog9",
    "printf 'Authorization: Bearer%s\\n' ' PlantedBearerInALog10'",
    'sleep 1',
    'exit 1',
  ].join('; ');
  const command = ['sh', '-c', script.replaceAll('$', '$$$$'), 'web', '--api-key', PLANTED.commandKey];
  const web = [
    '  web:',
    `    image: ${image}`,
    '    container_name: ${PROJECT}-web',
    `    command: ${JSON.stringify(command)}`,
    '    env_file: web.env',
    '    environment:',
    '      SOME_PASSWORD: ${DATABASE_PASSWORD}',
    `      SOME_TOKEN: ${PLANTED.inlineToken}`,
    '      SOME_KEY: ${VLLM_API_KEY}',
    '      DATABASE_URL: ${OUTSIDE_URL:?}',
    '    x-ai-sandbox: {image_bytes: 1000000}',
    '',
  ].join('\n');
  return `x-ai-sandbox: {environment: [OUTSIDE_URL]}\n${template.replace('services:\n', () => `services:\n${web}`)}`;
}

/** Names of the secrets that a text holds, in the forms they may be written in. */
export function secretsIn(text: string): Secret[] {
  return (Object.keys(PLANTED) as Secret[]).filter((name) => {
    const secret = PLANTED[name];
    const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
    return [...forms, ...inBase64(secret)].some((form) => text.includes(form));
  });
}

/** A group of base64 is four characters for three bytes. */
const BYTES_OF_A_GROUP = 3;

/** What base64 makes of a secret wherever it stands in what is encoded, for example in `user:secret`. */
function inBase64(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const text = bytes.toString('base64').replace(/=+$/, '');
    // Characters at both ends are made of its neighbours, too.
    return text.slice(before === 0 ? 0 : before + 1, bytes.length % BYTES_OF_A_GROUP === 0 ? undefined : -1);
  });
}
