import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { judgePage } from '../../src/chat/page-access.ts';
import { ask, events, waitForStart } from './http.ts';
import { ADMIN, type ContractPair } from './pair.ts';

/** Columns that the daemon reads, by table. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  chat: ['id', 'user_id', 'title', 'chat', 'created_at', 'updated_at', 'archived', 'meta'],
  chat_message: ['id', 'chat_id', 'user_id', 'role', 'content', 'created_at'],
  user: ['id', 'email', 'name', 'role', 'created_at'],
  auth: ['id', 'email', 'password', 'active'],
  config: ['key', 'value'],
  alembic_version: ['version_num'],
};

/**
 * Registers what is relied upon of Open WebUI, as vitest tests to be run in their order, against the ui container of a
 * pair that has not been started yet; its api container is started for it.
 */
export function openWebuiContract(pair: () => ContractPair, startDeadlineMs: number): void {
  const within = startDeadlineMs + 60_000;
  let token = '';
  let chatId = '';
  const get = async (path: string) => ask(`${await pair().url('ui')}${path}`, { token });
  const post = async (path: string, body: unknown) =>
    ask(`${await pair().url('ui')}${path}`, { token, body });
  const signIn = async () => post('/api/v1/auths/signin', ADMIN);

  test('refuses connections until it is ready, whether its backend answers or not', {
    timeout: within,
  }, async () => {
    await pair().ui.start();
    const url = `${await pair().url('ui')}/health`;
    const seen = await waitForStart(url, startDeadlineMs, async () => !(await pair().ui.running()));
    expect(seen.refused).toBeGreaterThan(0);
    expect((await ask(url)).json).toEqual({ status: true });
  });

  test('says in JSON that it is ready, and what it is', async () => {
    expect((await get('/ready')).json).toEqual({ status: true });
    expect((await get('/api/version')).json).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  test('needs no first user: the administrator is there', async () => {
    const url = `${await pair().url('ui')}/api/config`;
    const { json } = await ask(url);
    expect(json).toMatchObject({ status: true, features: { auth: true, enable_signup: false } });
    expect(json).not.toHaveProperty('onboarding');
    expect(judgePage(json)).toBe('none');
  });

  test('refuses a wrong password and takes the right one', async () => {
    const wrong = await ask(`${await pair().url('ui')}/api/v1/auths/signin`, {
      body: { ...ADMIN, password: 'wrong' },
    });
    expect([wrong.status, wrong.json]).toEqual([400, { detail: expect.stringContaining('password') }]);
    const answer = await ask(`${await pair().url('ui')}/api/v1/auths/signin`, { body: ADMIN });
    expect(answer.json).toMatchObject({
      token: expect.any(String),
      token_type: 'Bearer',
      email: ADMIN.email,
      role: 'admin',
    });
    token = (answer.json as { token: string }).token;
  });

  test('shows models only to those who signed in', async () => {
    expect((await ask(`${await pair().url('ui')}/api/models`)).status).toBe(401);
  });

  test('lists what its backend serves', { timeout: within }, async () => {
    await pair().ready('api');
    const answer = await get('/api/models');
    expect(answer.json).toMatchObject({ data: [{ id: pair().subject.model, owned_by: 'openai' }] });
  });

  test('hands a chat to its backend and the answer back', async () => {
    const messages = [{ role: 'user', content: 'Say something.' }];
    const answer = await post('/api/chat/completions', {
      model: pair().subject.model,
      messages,
      max_tokens: 4,
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      choices: [{ message: { role: 'assistant', content: expect.any(String) } }],
    });
  });

  test('streams a chat', async () => {
    const messages = [{ role: 'user', content: 'Say something.' }];
    const answer = await post('/api/chat/completions', {
      model: pair().subject.model,
      messages,
      max_tokens: 4,
      stream: true,
    });
    expect(answer.type).toContain('text/event-stream');
    expect(events(answer.text).length).toBeGreaterThan(1);
  });

  test('keeps a chat', async () => {
    const message = {
      id: 'm1',
      role: 'user',
      content: 'Keep me.',
      parentId: null,
      childrenIds: [],
      timestamp: 1,
    };
    const form = {
      title: 'A kept chat',
      models: [pair().subject.model],
      messages: [message],
      history: { currentId: 'm1', messages: { m1: message } },
    };
    const made = await post('/api/v1/chats/new', { chat: form });
    expect(made.json).toMatchObject({ id: expect.any(String), title: 'A kept chat' });
    chatId = (made.json as { id: string }).id;
    expect((await get('/api/v1/chats/')).json).toMatchObject([{ id: chatId, title: 'A kept chat' }]);
  });

  test('keeps its database where the mount is, with the tables and columns we read', () => {
    const database = new DatabaseSync(join(pair().subject.chatsDirectory, 'webui.db'), { readOnly: true });
    try {
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      expect(database.prepare('PRAGMA quick_check').get()).toEqual({ quick_check: 'ok' });
      for (const [table, columns] of Object.entries(COLUMNS)) {
        const there = database
          .prepare(`PRAGMA table_info("${table}")`)
          .all()
          .map((row) => row['name']);
        expect(there, table).toEqual(expect.arrayContaining([...columns]));
      }
      const row = database.prepare('SELECT title, updated_at FROM chat WHERE id = ?').get(chatId);
      expect(row).toMatchObject({ title: 'A kept chat', updated_at: expect.any(Number) });
      expect(Math.abs(Number(row?.['updated_at']) - Date.now() / 1000)).toBeLessThan(600);
    } finally {
      database.close();
    }
  });

  test('ends with code 0 on SIGTERM', { timeout: within }, async () => {
    expect(await pair().ui.stop(20)).toBe(0);
  });

  test('has the chat again after a new start, and the token is still good', { timeout: within }, async () => {
    await pair().ready('ui');
    expect((await get(`/api/v1/chats/${chatId}`)).json).toMatchObject({ title: 'A kept chat' });
  });

  test('works without its backend, with an empty list of models', { timeout: within }, async () => {
    await pair().api.stop(10);
    await pair().ui.stop(20);
    await pair().ready('ui');
    expect((await signIn()).status).toBe(200);
    expect((await get('/api/models')).json).toMatchObject({ data: [] });
    expect((await get('/health')).json).toEqual({ status: true });
  });
}
