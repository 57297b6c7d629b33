import { afterAll } from 'vitest';
import { type PrivateEngine, startEngine } from './engine-process.ts';

export { type CommandResult, engineAt, type PrivateEngine, tinyImage } from './engine-process.ts';

const END_LIMIT_MS = 60_000;

/** The engine of one test file: {@link startEngine}, ended after its last test. */
export async function privateEngine(
  name: string = 'test-engine',
  dockerdArguments: string[] = [],
): Promise<PrivateEngine> {
  const engine = await startEngine(name, dockerdArguments);
  afterAll(engine.stop, END_LIMIT_MS);
  return engine;
}
