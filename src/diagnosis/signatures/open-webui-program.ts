import type { Signature } from '../types.ts';

const CHECKED =
  'Open WebUI 0.3.16, 0.3.35, 0.5.20, 0.6.5, 0.8, 0.10.1 (main.py, config.py), 0.12.4 really run; user reports';

/** The program of the page and its packages. */
export const OPEN_WEBUI_PROGRAM_SIGNATURES: readonly Signature[] = [
  {
    id: 'ui_program',
    family: 'open-webui',
    code: 'ui_program_broken',
    symptom: "ModuleNotFoundError: No module named 'open_webui…'",
    patterns: [
      /No module named 'open_webui/,
      /cannot import name '\w{1,80}' from (?:partially initialized module )?'open_webui/,
      /Frontend build directory not found/,
      /Could not import module "(?:open_webui\.)?main"|Error loading ASGI app/,
      /bash: start\.sh: No such file or directory/,
      /No config file '[^']{0,200}alembic\.ini' found|No 'script_location' key found in configuration/,
    ],
    samples: [
      "ModuleNotFoundError: No module named 'open_webui'",
      'ERROR:    Error loading ASGI app. Could not import module "open_webui.main".',
      "Error: No config file 'alembic.ini' found, or file has no '[alembic]' section",
      "ImportError: cannot import name 'app' from 'open_webui.main' (/app/backend/open_webui/main.py)",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_packages',
    family: 'open-webui',
    code: 'ui_program_broken',
    frames: /\/open_webui\//,
    symptom: 'an import of the page that fails',
    patterns: [
      /^(?:\w+\.)*(?:ModuleNotFoundError|ImportError): (?!.{0,200}libcuda)/,
      /^AttributeError: (?:partially initialized )?module '[\w.]+' has no attribute|numpy\.dtype size changed|No package metadata was found for/,
      /SchemaError: Invalid Schema|PydanticUserError: |PydanticSchemaGenerationError: /,
    ],
    samples: [],
    checkedAgainst: CHECKED,
  },
];
