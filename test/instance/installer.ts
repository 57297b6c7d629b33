import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { STAGE_MODEL } from '../support/daemon-stage.ts';
import type { Machine } from './machine.ts';
import { type InstanceStage, PACKAGE_PATH, SCRIPT_PATH } from './stage.ts';

const stackscript = fileURLToPath(new URL('../../scripts/stackscript.sh', import.meta.url));

/** The unit in which a machine runs the script, as a cloud does at the first boot: not in anybody's session. */
const UNIT = 'stackscript';
const FIELDS_PATH = '/root/stackscript-fields';

/**
 * What a person enters into the form; the rest has the form's defaults, but the model is the stage's. Names as the cloud
 * passes them on. A field that is undefined is not passed at all, as when the script is run again by hand.
 */
export type Fields = Partial<
  Record<
    | 'MODEL_ID'
    | 'HF_TOKEN_PASSWORD'
    | 'USER_NAME'
    | 'USER_PASSWORD'
    | 'WEBUI_ADMIN_EMAIL'
    | 'WEBUI_ADMIN_PASSWORD'
    | 'PUBLISH_API'
    | 'DEB_URL'
    | 'DEB_SHA256'
    | 'AI_SANDBOX_PCI_DIR',
    string | undefined
  >
>;

/** One line of `installer-steps.jsonl`. */
export interface InstallerStep {
  step: string;
  state: string;
  at: string;
  boot_id: string;
  uptime_seconds: number;
  pid: number;
  detail: string;
}

/**
 * Starts the StackScript in a machine, with this stage's package; does not wait for it. A pipe that nobody reads any more
 * ends who writes into it, as in a shell, where systemd by itself would let them fail.
 */
export async function startInstaller(
  stage: InstanceStage,
  machine: Machine,
  fields: Fields = {},
): Promise<void> {
  await machine.copyIn(stage.packagePath, PACKAGE_PATH);
  await machine.copyIn(stackscript, SCRIPT_PATH);
  const package_ = await readFile(stage.packagePath);
  const all: Fields = {
    MODEL_ID: STAGE_MODEL,
    DEB_URL: `file://${PACKAGE_PATH}`,
    DEB_SHA256: createHash('sha256').update(package_).digest('hex'),
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/["\\$]/g, '\\$&')}"\n`],
  );
  await machine.write(FIELDS_PATH, lines.join(''), '0600');
  await machine.must(
    `systemctl stop ${UNIT} 2>/dev/null; systemctl reset-failed ${UNIT} 2>/dev/null;
    systemd-run -q --unit=${UNIT} -p RemainAfterExit=yes -p IgnoreSIGPIPE=no -p EnvironmentFile=${FIELDS_PATH} bash ${SCRIPT_PATH}`,
  );
}

/** Waits until the script has ended; returns its exit status. */
export async function installerEnd(machine: Machine, limitMs: number): Promise<number> {
  const ended = `systemctl show -p SubState --value ${UNIT} | grep -Eqx 'exited|failed' || { tail -n 20 /var/log/stackscript.log; false; }`;
  await machine.waitUntil(ended, 'the StackScript has ended', limitMs);
  return Number(await machine.must(`systemctl show -p ExecMainStatus --value ${UNIT}`));
}

/** What the script has told the daemon. */
export async function installerSteps(machine: Machine): Promise<InstallerStep[]> {
  const text = await machine.must('cat /var/lib/ai-sandbox/installer-steps.jsonl');
  return text.split('\n').map((line) => JSON.parse(line) as InstallerStep);
}
