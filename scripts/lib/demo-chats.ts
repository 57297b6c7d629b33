/** Enough for an answer that is seen to stream, little enough for a CPU. */
const MAXIMUM_TOKENS = 48;
const ANSWER_LIMIT_MS = 120_000;

interface Chunk {
  choices?: { delta?: { content?: string | null } }[];
}

/** Asks an OpenAI-compatible API for a streamed answer, gives each piece of text to `write`, returns how many came. Throws on any other status than 200. */
export async function chatThroughApi(
  api: string,
  key: string,
  model: string,
  question: string,
  write: (text: string) => void,
): Promise<number> {
  const answer = await post(`${api}/v1/chat/completions`, key, {
    model,
    messages: [{ role: 'user', content: question }],
    max_tokens: MAXIMUM_TOKENS,
    stream: true,
  });
  if (answer.body === null) throw new Error('the answer has no body');
  let pieces = 0;
  let rest = '';
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ') || line.includes('[DONE]')) continue;
      const piece = (JSON.parse(line.slice('data: '.length)) as Chunk).choices?.[0]?.delta?.content ?? '';
      if (piece === '') continue;
      pieces += 1;
      write(piece);
    }
  }
  return pieces;
}

/** Signs in to Open WebUI, lists the models it shows, and asks the first of them. */
export async function chatThroughPage(
  page: string,
  email: string,
  password: string,
  question: string,
): Promise<{ models: string[]; text: string }> {
  const session = await post(`${page}/api/v1/auths/signin`, null, { email, password });
  const { token } = (await session.json()) as { token: string };
  const listed = await fetch(`${page}/api/models`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const models = ((await listed.json()) as { data: { id: string }[] }).data.map((model) => model.id);
  const answer = await post(`${page}/api/chat/completions`, token, {
    model: models[0],
    messages: [{ role: 'user', content: question }],
    max_tokens: MAXIMUM_TOKENS,
    stream: false,
  });
  const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
  return { models, text: choices[0]?.message.content ?? '' };
}

async function post(url: string, bearer: string | null, body: unknown): Promise<Response> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  return answer;
}
