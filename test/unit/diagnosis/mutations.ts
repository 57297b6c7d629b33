/** A way in which the same log looks elsewhere. */
export interface Mutation {
  name: string;
  mutate: (lines: readonly string[]) => string[];
}

/** Logger prefixes of vLLM: process, level with time, file with line. */
const PROCESS_PREFIX =
  /^((?:[\w.-]+ +\| )?)\((?:APIServer|EngineCore\w*|Worker\w*|VllmWorker[^)]*) [^)]*\) ?/;
const LINE_NUMBER = /(\.py:)\d+(?=\])/;
const FRAME_NUMBER = /(", line )\d+(?=,)/;

/** Lines of other processes that healthy neighbours write meanwhile. */
const NEIGHBOURS = [
  '(APIServer pid=1) INFO:     172.18.0.9:51544 - "GET /health HTTP/1.1" 503 Service Unavailable',
  '(VllmWorker rank=7 pid=977) INFO 03-14 09:12:00 [shm_broadcast.py:466] No available shared memory broadcast block found in 60 second.',
  '(Worker_TP6 pid=976) WARNING 03-14 09:12:00 [custom_all_reduce.py:137] Custom allreduce is disabled because it is not supported on more than two PCIe-only GPUs.',
  '',
];

/** Every way of the list must leave the cause recognisable. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'without the names of processes',
    mutate: (lines) => lines.map((line) => line.replace(PROCESS_PREFIX, '$1')),
  },
  { name: 'with carriage returns', mutate: (lines) => lines.map((line) => `${line}\r`) },
  { name: 'as one text with carriage returns', mutate: (lines) => [lines.join('\r')] },
  {
    name: 'in colours',
    mutate: (lines) =>
      lines.map((line) => `\u001b[1;36m${line.slice(0, 9)}\u001b[0;0m${line.slice(9)}\u001b[K`),
  },
  {
    name: 'with colours whose escapes were lost',
    mutate: (lines) => lines.map((line) => `[1;36m${line.slice(0, 9)}[0;0m${line.slice(9)}`),
  },
  {
    name: 'mixed with lines of other processes',
    mutate: (lines) =>
      lines.flatMap((line, at) => {
        const neighbour = NEIGHBOURS[at % NEIGHBOURS.length];
        return neighbour === undefined || at % 3 !== 0 || neighbour === '' ? [line] : [line, neighbour];
      }),
  },
  { name: 'cut to the last 200 lines', mutate: (lines) => lines.slice(-200) },
  {
    name: 'with the line numbers of another version',
    mutate: (lines) =>
      lines.map((line) => line.replace(LINE_NUMBER, '$14711').replace(FRAME_NUMBER, '$14712')),
  },
  { name: 'from docker compose', mutate: (lines) => lines.map((line) => `vllm-1  | ${line}`) },
  {
    name: 'from docker logs -t',
    mutate: (lines) => lines.map((line) => `2026-03-14T09:11:12.123456789Z ${line}`),
  },
  {
    name: 'from the journal',
    mutate: (lines) => lines.map((line) => `Mar 14 09:11:12 host-1 ai-sandbox-api[1411]: ${line}`),
  },
  {
    name: 'from kubectl logs --timestamps --prefix',
    mutate: (lines) => lines.map((line) => `[pod/vllm-0/vllm] 2026-03-14T09:11:12.123456Z ${line}`),
  },
  { name: 'quoted', mutate: (lines) => lines.map((line) => `> ${line}`) },
  { name: 'without indentation', mutate: (lines) => lines.map((line) => line.replace(/(^|\] ) +/, '$1')) },
  {
    name: 'as the lines of a json-file',
    mutate: (lines) =>
      lines.map((line) =>
        JSON.stringify({ log: `${line}\n`, stream: 'stderr', time: '2026-03-14T09:11:12.123456789Z' }),
      ),
  },
];
