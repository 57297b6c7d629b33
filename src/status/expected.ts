import type { DeploymentView, DownloadView, Status } from './schema.ts';

/**
 * How much later than its target a deployment must be expected before it is said: an estimate trembles, above all in the
 * first seconds of a download.
 */
const MARGIN_SECONDS = 30;

/**
 * How long the deployment takes from its start, in seconds: what it took when it is completed; else at least what it has
 * taken (`expected_seconds` of `deployment` as the deployment room gives it) and what is left of that which is under way.
 * Null while nothing is known of what is left. What follows a download is not in it, so it errs on the short side.
 */
export function expectedSeconds(
  deployment: DeploymentView,
  progress: Status['progress'],
  model: { download_status: string; download: Pick<DownloadView, 'eta_seconds'> },
): number | null {
  const taken = deployment.expected_seconds;
  if (deployment.deployment_status === 'completed' || taken === null) return taken;
  if (deployment.deployment_status === 'failed') return null;
  const download = model.download_status === 'downloading' ? model.download.eta_seconds : null;
  const left = [progress.eta_seconds, download].filter((seconds) => seconds !== null);
  return left.length === 0 ? null : Math.round((taken + Math.max(...left)) * 10) / 10;
}

/** Whether a deployment that is on its way cannot reach its target any more, by what is known of what is left. */
export function missesTarget(deployment: DeploymentView): boolean {
  const { deployment_status, expected_seconds, target_met, target_seconds } = deployment;
  if (deployment_status === 'completed') return target_met === false;
  if (target_met === false) return true;
  return expected_seconds !== null && expected_seconds > target_seconds + MARGIN_SECONDS;
}
