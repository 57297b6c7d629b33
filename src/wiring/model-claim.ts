import { fileSystemOf } from '../lib/file-system.ts';
import type { ModelSnapshot } from '../model/types.ts';

/** What the download of the model still writes, for whoever else needs space. */
export interface ModelClaim {
  /** Where the model goes; null: nowhere. */
  setDirectory(directory: string | null): void;
  /**
   * Bytes that a download under way still writes to the file system of `directory`; 0 where that is another one. A model that
   * was refused or has not begun claims nothing: it is judged with the images counted in. Never rejects.
   */
  on(directory: string): Promise<number>;
}

/** Makes the claim of the model that `snapshot` tells of. */
export function createModelClaim(snapshot: () => ModelSnapshot): ModelClaim {
  let modelDirectory: string | null = null;
  return {
    setDirectory(directory) {
      modelDirectory = directory;
    },
    async on(directory) {
      const { downloadStatus, download } = snapshot();
      if (modelDirectory === null || downloadStatus !== 'downloading' || download.bytes_total === null) {
        return 0;
      }
      try {
        const [model, other] = await Promise.all([fileSystemOf(modelDirectory), fileSystemOf(directory)]);
        return model.device === other.device
          ? Math.max(0, download.bytes_total - (download.bytes_done ?? 0))
          : 0;
      } catch {
        return 0;
      }
    },
  };
}
