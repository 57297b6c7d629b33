import { unreachable } from '../lib/errors.ts';

/** Where the reader is: systemd's own states (`parse_env_file_internal` in src/basic/env-file.c), so that nothing is read otherwise. */
type State =
  | 'before name'
  | 'name'
  | 'before value'
  | 'value'
  | 'value escape'
  | 'single quotes'
  | 'double quotes'
  | 'double quotes escape'
  | 'comment';

/** Characters before which \ means the character inside of double quotes. */
const ESCAPABLE = '"\\`$';

/**
 * Reads the text of a file for `EnvironmentFile=` as systemd does (systemd.exec(5)): `NAME=value`, one a line; lines that
 * begin with # or ; and lines without = are ignored; a value that begins with ' or " is quoted, which may go over lines;
 * outside of single quotes \ takes the next character as it is and joins lines. A later line wins; names that no
 * environment takes are dropped.
 */
export function parseUnitEnvironment(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  let state: State = 'before name';
  let name = '';
  let value = '';
  /** Length of the value without the white space at its end. */
  let kept = 0;
  const take = (characters: string) => {
    value += characters;
    kept = value.length;
  };
  const finish = () => {
    const key = name.trim();
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) values[key] = value.slice(0, kept);
    [state, name, value, kept] = ['before name', '', '', 0];
  };

  for (const character of text) {
    const isLineEnd = character === '\n' || character === '\r';
    const isSpace = isLineEnd || character === ' ' || character === '\t';
    switch (state) {
      case 'before name':
        if (character === '#' || character === ';') state = 'comment';
        else if (!isSpace) [state, name] = ['name', character];
        break;
      case 'name':
        if (isLineEnd) [state, name] = ['before name', ''];
        else if (character === '=') state = 'before value';
        else name += character;
        break;
      case 'before value':
        if (isLineEnd) finish();
        else if (character === "'") state = 'single quotes';
        else if (character === '"') state = 'double quotes';
        else if (character === '\\') state = 'value escape';
        else if (!isSpace) {
          state = 'value';
          take(character);
        }
        break;
      case 'value':
        if (isLineEnd) finish();
        else if (character === '\\') state = 'value escape';
        else if (isSpace) value += character;
        else take(character);
        break;
      case 'value escape':
        state = 'value';
        if (!isLineEnd) take(character);
        break;
      case 'single quotes':
        if (character === "'") state = 'before value';
        else take(character);
        break;
      case 'double quotes':
        if (character === '"') state = 'before value';
        else if (character === '\\') state = 'double quotes escape';
        else take(character);
        break;
      case 'double quotes escape':
        state = 'double quotes';
        if (ESCAPABLE.includes(character)) take(character);
        else if (!isLineEnd) take(`\\${character}`);
        break;
      case 'comment':
        if (isLineEnd) state = 'before name';
        break;
      default:
        unreachable(state);
    }
  }
  if (state !== 'before name' && state !== 'name' && state !== 'comment') finish();
  return values;
}
