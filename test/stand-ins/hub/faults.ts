/** The kinds of requests a fault can meet; `content` is the bytes of a file, wherever they are fetched. */
export type RequestKind = 'info' | 'tree' | 'auth-check' | 'whoami' | 'resolve' | 'content';

/** What goes wrong. Byte counts are counted from the start of that answer's body. */
export type FaultAction =
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** The connection is reset; the bytes before may be those of the file's start instead of the range's. */
  | { kind: 'reset'; afterBytes: number; ignoringRange?: boolean }
  /** The body ends early although the answer looks finished. */
  | { kind: 'truncate'; afterBytes: number }
  /** Nothing more comes; the connection stays open. */
  | { kind: 'silence'; afterBytes: number }
  /** One byte of the body is another one. */
  | { kind: 'corrupt' }
  /** Other bytes under another ETag, as of a version of the file that is no longer there. */
  | { kind: 'old-version' }
  /** The range is ignored: 200 with everything. */
  | { kind: 'ignore-range' }
  /** More bytes come than the file has. */
  | { kind: 'longer'; extraBytes: number };

/** A rule that makes requests fail. */
interface Fault {
  on: RequestKind;
  /** Only for this file. */
  path?: string;
  /** How often; default once. */
  times?: number;
  action: FaultAction;
}

/** The rules in force, in the order in which they were added. */
export interface FaultPlan {
  add(fault: Fault): void;
  /** Takes the first rule that fits the request, and counts it. */
  take(on: RequestKind, path: string | null): FaultAction | null;
  clear(): void;
}

/** A plan without rules. */
export function createFaultPlan(): FaultPlan {
  let rules: { fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      rules.push({ fault, left: fault.times ?? 1 });
    },
    take(on, path) {
      const rule = rules.find(
        ({ fault, left }) => left > 0 && fault.on === on && (fault.path === undefined || fault.path === path),
      );
      if (rule === undefined) return null;
      rule.left -= 1;
      return rule.fault.action;
    },
    clear() {
      rules = [];
    },
  };
}
