import { type Field, type Report, readEntries, readItems, readLooseText } from './field.ts';

/**
 * Labels, options and other texts by name: a mapping, or a list of `NAME=value`.
 * A name without value is the empty text.
 */
export function readNamedTexts(field: Field, report: Report): Record<string, string> {
  const values = readNamedValues(field, report);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? '']));
}

/** As {@link readNamedTexts}, where a name without value stays null (environment: taken from outside). */
export function readNamedValues(field: Field, report: Report): Record<string, string | null> {
  const values: Record<string, string | null> = {};
  if (field.node.kind === 'list') {
    for (const item of readItems(field, report) ?? []) {
      const text = readLooseText(item, report);
      if (text === null) continue;
      const equals = text.indexOf('=');
      const name = equals < 0 ? text : text.slice(0, equals);
      if (name === '') report(item, 'a name is wanted before the =');
      else set(values, name, equals < 0 ? null : text.slice(equals + 1));
    }
    return values;
  }
  for (const { key, field: entry } of readEntries(field, report) ?? []) {
    if (key === '' || key.includes('=')) report(entry, `"${key}" is no name: empty, or with a =`);
    else set(values, key, entry.node.kind === 'null' ? null : readLooseText(entry, report));
  }
  return values;
}

/** Sets an own property also for names such as `__proto__`. */
function set<V>(record: Record<string, V>, name: string, value: V): void {
  Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
}
