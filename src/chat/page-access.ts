/** Why strangers could take the page over. */
export type PageWeakness = 'no_administrator' | 'no_sign_in' | 'sign_up' | 'sign_up_unknown';

/** Each in words that follow "the page". */
export const WEAKNESS_WORDS: Readonly<Record<PageWeakness, string>> = {
  no_administrator: 'has no administrator: the first to come becomes it',
  no_sign_in: 'asks nobody to sign in',
  sign_up: 'lets anybody sign up',
  sign_up_unknown: 'does not say whether anybody may sign up',
};

/**
 * Judges what Open WebUI tells everybody (`GET /api/config` of 0.6 to 0.12): `onboarding` is there while nobody has an
 * account, and then the first to come becomes administrator, whatever ENABLE_SIGNUP says; `features.auth` and
 * `features.enable_signup` are what they are called. Null for anything that is no such answer. Pure.
 */
export function judgePage(config: unknown): PageWeakness | 'none' | null {
  const features = at(config, 'features');
  const [auth, signUp] = [at(features, 'auth'), at(features, 'enable_signup')];
  if (typeof auth !== 'boolean') return null;
  if (at(config, 'onboarding') === true) return 'no_administrator';
  if (!auth) return 'no_sign_in';
  if (typeof signUp !== 'boolean') return 'sign_up_unknown';
  return signUp ? 'sign_up' : 'none';
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
