import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = (text: string, secret: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url');

/** A JSON web token (HS256) for a user id, as Open WebUI hands out at sign-in; valid as long as the secret key is. */
export function makeToken(userId: string, secret: string): string {
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ id: userId, jti: randomUUID(), iat: Math.floor(Date.now() / 1000) })}`;
  return `${body}.${sign(body, secret)}`;
}

/** The user id of a token made with this secret, or null. */
export function readToken(token: string, secret: string): string | null {
  const [header, payload, signature] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined) return null;
  const expected = Buffer.from(sign(`${header}.${payload}`, secret));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return null;
  return String((JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { id?: unknown }).id);
}
