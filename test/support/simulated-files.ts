/** The calls of `node:fs/promises` that durable files and the state store are made of. */
export type FileStep = 'open' | 'write' | 'sync' | 'rename' | 'remove';

/** An error of the system, as Node throws it. */
class SystemError extends Error {
  readonly code: string;
  constructor(code: string, what: string) {
    super(`${code}: ${what}`);
    this.code = code;
  }
}

interface Inode {
  text: string;
  /** What is on the medium; null: nothing yet. */
  synced: string | null;
}

/** A file system in memory that forgets at a power cut what was not synced. */
export interface SimulatedFiles {
  /** What a program would read now; undefined: no such file. */
  read(path: string): string | undefined;
  /** Names that exist now. */
  names(): string[];
  remove(path: string): void;
  /** Paths are renamed, written and synced only after this settles; what it throws, the call throws. */
  step: (step: FileStep) => Promise<void> | void;
  /** The program dies: what it has under way happens or not, as `lands` says, and it is never told. */
  kill(lands: () => boolean): void;
  /** The machine dies with it: of what was not synced, `survives` decides. */
  cutPower(survives: () => boolean): void;
}

/** What `openStateStore` and `writeDurably` import from `node:fs/promises`. */
interface Calls {
  open(path: string, flags: string): Promise<unknown>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string): Promise<void>;
  readFile(path: string): Promise<string>;
  copyFile(from: string, to: string): Promise<void>;
  mkdir(path: string): Promise<void>;
}

/** Nothing is ever heard of a call whose program has died. */
const NEVER = new Promise<never>(() => {});

let mounted: Calls | null = null;
const calls = (): Calls => {
  if (mounted === null) throw new Error('no simulated file system is mounted');
  return mounted;
};

/** Takes the place of `node:fs/promises` in a test: every call goes to the file system that was made last. */
export const simulatedFileCalls: Calls = {
  open: (path, flags) => calls().open(path, flags),
  rename: (from, to) => calls().rename(from, to),
  rm: (path) => calls().rm(path),
  readFile: (path) => calls().readFile(path),
  copyFile: (from, to) => calls().copyFile(from, to),
  mkdir: (path) => calls().mkdir(path),
};

/** Makes an empty file system and mounts it. */
export function mountSimulatedFiles(): SimulatedFiles {
  let visible = new Map<string, Inode>();
  const durable = new Map<string, Inode>();
  /** Changes of the directory that are not on the medium yet, in their order. */
  let journal: ((entries: Map<string, Inode>) => void)[] = [];
  /** Counts the deaths of the program: a call of an earlier life does nothing more. */
  let life = 0;
  const underWay = new Set<() => void>();

  const change = (apply: (entries: Map<string, Inode>) => void) => {
    apply(visible);
    journal.push(apply);
  };
  /** Makes a call: `effect` happens when its step has settled, or when the program dies and it lands nevertheless. */
  const make = async (step: FileStep, effect: () => void): Promise<void> => {
    const born = life;
    const wait = files.step(step);
    if (wait !== undefined) {
      underWay.add(effect);
      try {
        await wait;
      } finally {
        underWay.delete(effect);
      }
    }
    if (life !== born) return NEVER;
    effect();
  };
  const need = (path: string): Inode => {
    const inode = visible.get(path);
    if (inode === undefined) throw new SystemError('ENOENT', path);
    return inode;
  };
  const directory = {
    sync: () =>
      make('sync', () => {
        for (const apply of journal) apply(durable);
        journal = [];
      }),
    close: async () => {},
  };
  const handleOf = (inode: Inode) => ({
    chmod: async () => {},
    writeFile: (text: string) => {
      inode.text = text.slice(0, text.length >> 1);
      return make('write', () => {
        inode.text = text;
      });
    },
    sync: () =>
      make('sync', () => {
        inode.synced = inode.text;
      }),
    close: async () => {},
  });

  const files: SimulatedFiles = {
    step: () => {},
    read: (path) => visible.get(path)?.text,
    names: () => [...visible.keys()],
    remove(path) {
      for (const entries of [visible, durable]) entries.delete(path);
    },
    kill(lands) {
      life += 1;
      for (const effect of underWay) if (lands()) effect();
      underWay.clear();
    },
    cutPower(survives) {
      files.kill(() => false);
      for (const apply of journal) {
        if (!survives()) break;
        apply(durable);
      }
      journal = [];
      for (const inode of durable.values()) {
        if (inode.synced !== inode.text && !survives()) {
          inode.text = inode.synced ?? inode.text.slice(0, survives() ? inode.text.length >> 2 : 0);
        }
        inode.synced = inode.text;
      }
      visible = new Map(durable);
    },
  };
  mounted = {
    async open(path, flags) {
      if (flags === 'r') return directory;
      const inode: Inode = { text: '', synced: null };
      await make('open', () => {
        if (visible.has(path)) throw new SystemError('EEXIST', path);
        change((entries) => entries.set(path, inode));
      });
      return handleOf(inode);
    },
    rename: (from, to) =>
      make('rename', () => {
        const inode = need(from);
        change((entries) => {
          entries.delete(from);
          entries.set(to, inode);
        });
      }),
    rm: (path) => make('remove', () => change((entries) => entries.delete(path))),
    readFile: async (path) => need(path).text,
    copyFile: async (from, to) => {
      const { text } = need(from);
      change((entries) => entries.set(to, { text, synced: null }));
    },
    mkdir: async () => {},
  };
  return files;
}
