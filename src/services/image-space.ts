import type { ComposeProject } from '../compose/service-spec.ts';

/**
 * Space kept for the unpacked images of the two services where the file says nothing (`x-ai-sandbox: {image_bytes}`):
 * vLLM's has 28.6 GB unpacked, Open WebUI's 4 to 6 GB.
 */
const DEFAULT_IMAGE_BYTES: Readonly<Record<string, number>> = { api: 30_000_000_000, ui: 6_000_000_000 };

/** Bytes that an image needs on the disk: the most that a service using it names; undefined where none is known. */
export function imageSpace(project: Pick<ComposeProject, 'services'>, image: string): number | undefined {
  const sizes = project.services
    .filter((service) => service.image === image)
    .map((service) => service.imageBytes ?? DEFAULT_IMAGE_BYTES[service.name])
    .filter((bytes) => bytes !== undefined);
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}
