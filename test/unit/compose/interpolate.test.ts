import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate, lookupIn } from '../../../src/compose/interpolate.ts';

const VALUES = { A: 'a', EMPTY: '', _u9: 'under' };
const text = (template: string) => interpolate(template, lookupIn(VALUES)).text;
const messages = (template: string) =>
  interpolate(template, lookupIn(VALUES)).errors.map((error) => error.message);

describe('interpolation', () => {
  it.each([
    ['$A', 'a'],
    ['${A}', 'a'],
    ['x$A.y${A}z', 'xa.yaz'],
    ['$_u9', 'under'],
    ['$NONE', ''],
    ['${NONE:-d}', 'd'],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY-d}', ''],
    ['${NONE-d}', 'd'],
    ['${A:-d}', 'a'],
    ['${A:+x}', 'x'],
    ['${EMPTY:+x}', ''],
    ['${EMPTY+x}', 'x'],
    ['${NONE+x}', ''],
    ['${A:?m}', 'a'],
    ['${EMPTY?m}', ''],
    ['$$A', '$A'],
    ['$$${A}', '$a'],
    ['$${A}', '${A}'],
    ['${NONE:-${EMPTY:-${A}}}', 'a'],
    ['${NONE:-a:b-c?d}', 'a:b-c?d'],
    ['${NONE:-x$$y}', 'x$y'],
    ['${NONE:-{"a": 1\\}', '{"a": 1\\'],
    ['no dollar', 'no dollar'],
    ['', ''],
  ])('makes %j into %j', (template, expected) => {
    expect(text(template)).toBe(expected);
  });

  it.each([
    ['${NONE:?choose one}', 'NONE is not set: choose one'],
    ['${EMPTY:?choose ${A}}', 'EMPTY is empty: choose a'],
    ['${NONE?}', 'NONE is not set; it is required'],
    ['${A', 'the closing } is missing'],
    ['${}', 'a name must follow ${ (letters, digits and _)'],
    ['${1A}', 'a name must follow ${ (letters, digits and _)'],
    ['${A!x}', 'after the name A one of :- - :? ? :+ + or } is wanted, not "!"'],
    ['$', 'a name or { must follow the $; a literal $ is written $$'],
    ['a $ b', 'a name or { must follow the $; a literal $ is written $$'],
  ])('refuses %j', (template, message) => {
    expect(messages(template)).toEqual([message]);
  });

  it('collects every error with its offset and expression', () => {
    expect(interpolate('${X:?} and ${Y:?}', lookupIn({})).errors).toMatchObject([
      { offset: 0, expression: '${X:?}' },
      { offset: 11, expression: '${Y:?}' },
    ]);
  });

  it('gives the offset of an error inside of a default', () => {
    expect(interpolate('ab${X:-c${Y:?}}', lookupIn({})).errors).toMatchObject([
      { offset: 8, expression: '${Y:?}' },
    ]);
  });

  it('names what was not set, but not in a default that is not used', () => {
    expect(interpolate('$X ${A:-$Y} ${Z:-ok}', lookupIn(VALUES)).missing).toEqual(['X']);
  });

  it('takes no names that every object has', () => {
    expect(interpolate('$constructor${toString:-x}', lookupIn({})).text).toBe('x');
  });

  it('puts in values as they are: a dollar in a value is no expression', () => {
    expect(interpolate('$A', lookupIn({ A: '${B} $$' })).text).toBe('${B} $$');
  });

  it('ends with an error, not with the stack, on absurd nesting', () => {
    expect(messages(`${'${X:-'.repeat(100)}${'}'.repeat(100)}`).join()).toContain('nested deeper');
  });

  it('leaves a text with every dollar doubled as it was', () => {
    fc.assert(
      fc.property(fc.string(), (original) => {
        expect(text(original.replaceAll('$', '$$$$'))).toBe(original);
      }),
    );
  });

  it('never throws and always ends, whatever the text', () => {
    const template = fc.string({ unit: fc.constantFrom(...'$${}:-?+A_1 x') });
    fc.assert(
      fc.property(template, (any) => {
        const result = interpolate(any, lookupIn(VALUES));
        for (const error of result.errors) expect(any.slice(error.offset)).toContain(error.expression);
      }),
    );
  });

  it('puts the pieces of a text together as it puts together the whole', () => {
    const piece = fc.constantFrom('$A ', '${NONE:-x}', '$$', 'plain', '${EMPTY:+y}', '${A:+${A}}');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(text(pieces.join(''))).toBe(pieces.map(text).join(''));
      }),
    );
  });
});
