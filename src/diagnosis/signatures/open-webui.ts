import type { Signature } from '../types.ts';
import { OPEN_WEBUI_DATABASE_SIGNATURES } from './open-webui-database.ts';
import { OPEN_WEBUI_PROGRAM_SIGNATURES } from './open-webui-program.ts';
import { OPEN_WEBUI_SETTINGS_SIGNATURES } from './open-webui-settings.ts';

/** Wordings of Open WebUI and of what it is made of: databases, Redis, vector stores, settings. */
export const OPEN_WEBUI_SIGNATURES: readonly Signature[] = [
  ...OPEN_WEBUI_DATABASE_SIGNATURES,
  ...OPEN_WEBUI_SETTINGS_SIGNATURES,
  ...OPEN_WEBUI_PROGRAM_SIGNATURES,
];
