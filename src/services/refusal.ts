import type { Diagnosis, Evidence } from '../diagnosis/types.ts';
import type { Finding } from '../status/problem.ts';
import type { ProblemCode } from '../status/problem-table.ts';

/** Codes that the engine's room gives to words it has no more exact name for. */
const UNNAMED: ReadonlySet<ProblemCode> = new Set([
  'container_start_refused',
  'image_pull_failed',
  'engine_call_failed',
  'gpu_missing',
]);

/** A refusal of the engine under the name that the diagnosis knows for its words; as it was where it knows none. */
export function nameRefusal(
  finding: Finding,
  diagnose: ((evidence: Evidence) => Diagnosis | null) | undefined,
): Finding {
  if (!UNNAMED.has(finding.code)) return finding;
  const found = diagnose?.({ log: [], exitCode: null, oomKilled: false, engineError: finding.detail });
  if (found == null || found.signature === null || UNNAMED.has(found.code)) return finding;
  return {
    code: found.code,
    detail: finding.detail,
    ...(found.remedy === null ? {} : { remedy: found.remedy }),
    ...(found.class === null ? {} : { class: found.class }),
  };
}
