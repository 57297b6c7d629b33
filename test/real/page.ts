import { expect } from 'vitest';
import { ask, events } from '../contract/http.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { environmentOf } from '../support/daemon-stage.ts';

/** A person who signed in to the real page, as its own browser program speaks to it. */
export interface PageVisitor {
  /** Ids of the models that the page offers. */
  models(): Promise<string[]>;
  /** Asks the model through the page; the streamed events of the answer. */
  chat(model: string, question: string): Promise<unknown[]>;
  /** Keeps a chat; its id. */
  keepChat(model: string, title: string, question: string): Promise<string>;
  /** Title of a kept chat. */
  chatTitle(id: string): Promise<string>;
}

/** Signs in with the administrator that the daemon has generated. */
export async function signIn(daemon: RunningDaemon): Promise<PageVisitor> {
  const page = `http://127.0.0.1:${daemon.uiPort}`;
  const { WEBUI_ADMIN_EMAIL: email, WEBUI_ADMIN_PASSWORD: password } = await environmentOf(daemon);
  const signedIn = await ask(`${page}/api/v1/auths/signin`, { body: { email, password } });
  expect(signedIn.json).toMatchObject({ token: expect.any(String), role: 'admin' });
  const { token } = signedIn.json as { token: string };

  return {
    async models() {
      const { json } = await ask(`${page}/api/models`, { token });
      return (json as { data: { id: string }[] }).data.map(({ id }) => id);
    },
    async chat(model, question) {
      const messages = [{ role: 'user', content: question }];
      const body = { model, messages, max_tokens: 8, stream: true };
      const answer = await ask(`${page}/api/chat/completions`, { token, body });
      expect(answer.status, answer.text).toBe(200);
      return events(answer.text);
    },
    async keepChat(model, title, question) {
      const message = {
        id: 'question',
        role: 'user',
        content: question,
        models: [model],
        parentId: null,
        childrenIds: [],
        timestamp: Math.floor(Date.now() / 1000),
      };
      const history = { currentId: message.id, messages: { [message.id]: message } };
      const body = { chat: { id: '', title, models: [model], params: {}, history, messages: [message] } };
      const kept = await ask(`${page}/api/v1/chats/new`, { token, body });
      expect(kept.status, kept.text).toBe(200);
      return (kept.json as { id: string }).id;
    },
    async chatTitle(id) {
      const { json } = await ask(`${page}/api/v1/chats/${id}`, { token });
      return (json as { title: string }).title;
    },
  };
}
