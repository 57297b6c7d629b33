import { type ComposeInput, readComposeProject } from '../../src/compose/read-project.ts';
import type { ComposeError, ComposeProject, ServiceSpec } from '../../src/compose/service-spec.ts';

/** Where the files of these tests would stand; nothing is read from there. */
export const COMPOSE_FILE = '/opt/box/docker-compose.yml';

type Extra = Partial<Pick<ComposeInput, 'variables' | 'home' | 'file'>> & { files?: Record<string, string> };

function read(text: string, extra: Extra) {
  const { files = {}, ...rest } = extra;
  return readComposeProject({
    file: COMPOSE_FILE,
    text,
    variables: {},
    readFile: (path) => files[path] ?? null,
    ...rest,
  });
}

/** The project of a text without errors; throws with the errors otherwise. */
export function projectOf(text: string, extra: Extra = {}): ComposeProject {
  const result = read(text, extra);
  if ('errors' in result) throw new Error(result.errors.map(showError).join('\n'));
  return result.project;
}

/** The errors of a text, none where it is valid. */
export function errorsOf(text: string, extra: Extra = {}): ComposeError[] {
  const result = read(text, extra);
  return 'errors' in result ? result.errors : [];
}

/** A service `a` with an image and these lines, each indented under the service. */
export function serviceText(lines: string): string {
  const indented = lines
    .split('\n')
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n');
  return `name: box\nservices:\n  a:\n    image: i\n${indented}\n`;
}

/** The service of {@link serviceText}. */
export function serviceOf(lines: string, extra: Extra = {}): ServiceSpec {
  const service = projectOf(serviceText(lines), extra).services[0];
  if (service === undefined) throw new Error('no service was read');
  return service;
}

/** `line:column key message`, the form in which tests state errors. */
export function showError(error: ComposeError): string {
  return `${error.line}:${error.column} ${error.key} ${error.message}`;
}
