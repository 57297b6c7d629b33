import { expect, test } from 'vitest';
import { judgePage } from '../../../src/chat/page-access.ts';

const config = (features: unknown, more = {}) => ({ status: true, name: 'Open WebUI', features, ...more });

test.each([
  ['an administrator, no sign-up', config({ auth: true, enable_signup: false }), 'none'],
  // Open WebUI lets the first one in even with sign-up off.
  ['nobody yet', config({ auth: true, enable_signup: false }, { onboarding: true }), 'no_administrator'],
  ['no sign-in at all', config({ auth: false, enable_signup: false }), 'no_sign_in'],
  ['sign-up', config({ auth: true, enable_signup: true }), 'sign_up'],
  ['no word on sign-up', config({ auth: true }), 'sign_up_unknown'],
  ['a page of something else', null, null],
  ['another JSON', { status: true }, null],
  ['a list', [config({ auth: true })], null],
])('a page that shows %s', (_what, answer, expected) => {
  expect(judgePage(answer)).toBe(expected);
});
