import { readDatabase } from './database-reader.ts';

/** Entry of the reader's own process: `database-reader-main PATH check|count` writes one DatabaseAnswer as JSON. */
const [path = '', mode] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await readDatabase(path, mode === 'check' ? 'check' : 'count')));
