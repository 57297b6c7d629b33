import type { ServiceSpec } from './service-spec.ts';

/** What is known of the two services that are more than a container that runs. */
const ROLES = [
  { name: 'api', program: 'vLLM', image: /vllm/, missed: 'no model is fetched for it and no chat is tried' },
  { name: 'ui', program: 'Open WebUI', image: /open-webui/, missed: 'its chats are not looked after' },
] as const;

/** A service by its look that the file calls something else: only the names `api` and `ui` say what is what. */
export interface MisnamedService {
  service: string;
  message: string;
}

/** Services whose image is that of vLLM or Open WebUI while no service has the name that stands for it. */
export function misnamedServices(
  services: readonly Pick<ServiceSpec, 'name' | 'image'>[],
): MisnamedService[] {
  return ROLES.flatMap(({ name, program, image, missed }) => {
    if (services.some((service) => service.name === name)) return [];
    return services
      .filter((service) => image.test(service.image))
      .map((service) => ({
        service: service.name,
        message: `${service.name} has the image of ${program}, but only a service named ${name} is taken for it: ${missed}; call it ${name}`,
      }));
  });
}
