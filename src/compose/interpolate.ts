/** Why a text could not be interpolated, and where in it. */
interface InterpolationError {
  /** Offset of the expression in the text that was given. */
  offset: number;
  /** The expression as it stands in the text, e.g. `${MODEL_ID:?}`. */
  expression: string;
  message: string;
}

/** The text with every expression replaced, and what went wrong; `missing` are names that were taken as empty. */
export interface Interpolation {
  text: string;
  errors: InterpolationError[];
  missing: string[];
}

/** What a name stands for; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** The forms of `${NAME<operator>argument}`; longer operators first. */
const OPERATORS = [':-', ':?', ':+', '-', '?', '+'] as const;
type Operator = (typeof OPERATORS)[number];

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/** Expressions may nest this deep; a real file nests two. */
const MAXIMUM_NESTING = 32;

/**
 * Replaces `$NAME`, `${NAME}`, `${NAME:-default}`, `-`, `:?message`, `?`, `:+replacement`, `+` and `$$`, nested,
 * as the compose specification says (12-interpolation.md). Collects every error; never throws.
 */
export function interpolate(text: string, lookup: Lookup, options: InterpolationOptions = {}): Interpolation {
  const errors: InterpolationError[] = [];
  const missing = new Set<string>();
  const replaced = replaceAll(
    text,
    0,
    lookup,
    { errors, missing, live: true, loneDollar: options.loneDollar ?? 'error' },
    0,
  );
  return { text: replaced, errors, missing: [...missing] };
}

/** Where the two kinds of files differ. */
export interface InterpolationOptions {
  /** What a `$` before neither a name nor `{` is: an error in a compose file (the default), itself in a `.env`. */
  loneDollar?: 'error' | 'literal';
}

interface Sink {
  loneDollar: 'error' | 'literal';
  errors: InterpolationError[];
  missing: Set<string>;
  /** False inside an argument that is not used: its own missing names do no harm. */
  live: boolean;
}

function replaceAll(text: string, base: number, lookup: Lookup, sink: Sink, depth: number): string {
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) return result + text.slice(at);
    result += text.slice(at, dollar);
    const rest = text.slice(dollar + 1);
    if (rest.startsWith('$')) {
      result += '$';
      at = dollar + 2;
      continue;
    }
    if (rest.startsWith('{')) {
      const end = closingBrace(text, dollar + 2);
      const expression = end < 0 ? text.slice(dollar) : text.slice(dollar, end + 1);
      if (end < 0) {
        sink.errors.push({ offset: base + dollar, expression, message: 'the closing } is missing' });
        return result;
      }
      result += braced(expression, base + dollar, lookup, sink, depth);
      at = end + 1;
      continue;
    }
    const name = NAME.exec(rest)?.[0];
    if (name === undefined) {
      const expression = `$${rest.slice(0, 1)}`;
      const message = 'a name or { must follow the $; a literal $ is written $$';
      if (sink.loneDollar === 'error') sink.errors.push({ offset: base + dollar, expression, message });
      result += expression;
      at = dollar + expression.length;
      continue;
    }
    result += valueOrEmpty(name, lookup, sink);
    at = dollar + 1 + name.length;
  }
  return result;
}

/** Index of the brace that closes an expression whose inside starts at `from`; -1 when it is open to the end. */
function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith('$$', at)) at += 1;
    else if (text.startsWith('${', at)) {
      open += 1;
      at += 1;
    } else if (text[at] === '}') {
      open -= 1;
      if (open === 0) return at;
    }
  }
  return -1;
}

function braced(expression: string, offset: number, lookup: Lookup, sink: Sink, depth: number): string {
  const fail = (message: string): string => {
    sink.errors.push({ offset, expression, message });
    return '';
  };
  const inside = expression.slice(2, -1);
  const name = NAME.exec(inside)?.[0];
  if (name === undefined) return fail('a name must follow ${ (letters, digits and _)');
  if (depth >= MAXIMUM_NESTING) return fail(`nested deeper than ${MAXIMUM_NESTING} levels`);
  const tail = inside.slice(name.length);
  if (tail === '') return valueOrEmpty(name, lookup, sink);
  const operator = OPERATORS.find((candidate) => tail.startsWith(candidate));
  if (operator === undefined)
    return fail(
      `after the name ${name} one of :- - :? ? :+ + or } is wanted, not ${JSON.stringify(tail[0])}`,
    );
  const argument = tail.slice(operator.length);
  const argumentAt = offset + 2 + name.length + operator.length;
  const expand = (live: boolean) =>
    replaceAll(argument, argumentAt, lookup, { ...sink, live: sink.live && live }, depth + 1);
  return apply(name, operator, lookup, expand, fail);
}

function apply(
  name: string,
  operator: Operator,
  lookup: Lookup,
  expand: (live: boolean) => string,
  fail: (message: string) => string,
): string {
  const value = lookup(name);
  const counts = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  const argument = expand(operator.endsWith('+') ? counts : !counts);
  switch (operator) {
    case ':-':
    case '-':
      return counts && value !== undefined ? value : argument;
    case ':+':
    case '+':
      return counts ? argument : '';
    case ':?':
    case '?': {
      if (counts && value !== undefined) return value;
      const state = value === undefined ? 'is not set' : 'is empty';
      return fail(argument === '' ? `${name} ${state}; it is required` : `${name} ${state}: ${argument}`);
    }
  }
}

function valueOrEmpty(name: string, lookup: Lookup, sink: Sink): string {
  const value = lookup(name);
  if (value === undefined && sink.live) sink.missing.add(name);
  return value ?? '';
}

/** A lookup in a plain record; inherited names (`constructor`) are not values. */
export function lookupIn(values: Record<string, string>): Lookup {
  return (name) => (Object.hasOwn(values, name) ? values[name] : undefined);
}
