import { expect, it } from 'vitest';
import { prefersText } from '../../../src/api/accept.ts';

it.each([
  [undefined, false],
  ['*/*', false],
  ['text/*', false],
  ['application/json', false],
  ['text/html,application/xhtml+xml,*/*;q=0.8', false],
  ['text/plain', true],
  ['TEXT/PLAIN; charset=utf-8', true],
  ['text/plain, */*;q=0.1', true],
  ['text/plain;q=0.5, application/json', false],
  ['application/json;q=0.5, text/plain;q=0.9', true],
  ['text/plain;q=0', false],
  ['text/plain;q=x', false],
])('an Accept header of %j prefers text: %j', (accept, expected) => {
  expect(prefersText(accept)).toBe(expected);
});
