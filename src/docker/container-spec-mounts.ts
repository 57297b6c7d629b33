import type { ComposeProject, MountSpec, ServiceSpec } from '../compose/service-spec.ts';

/** The parts of the engine's HostConfig that mount something. */
export interface ContainerMounts {
  Binds: string[] | null;
  Mounts: Record<string, unknown>[] | null;
  Tmpfs: Record<string, string>;
}

/**
 * Sorts the mounts of a service into the engine's three lists as docker compose 2.40 does: the old `Binds` wherever it can
 * say everything (it creates a missing source), `Mounts` for the rest, `Tmpfs` for the key `tmpfs:`.
 */
export function containerMounts(project: ComposeProject, service: ServiceSpec): ContainerMounts {
  const binds: string[] = [];
  const mounts: Record<string, unknown>[] = [];
  const tmpfs: Record<string, string> = {};
  for (const mount of service.mounts) {
    switch (mount.kind) {
      case 'bind':
        if (mount.createHostPath && mount.propagation === null) binds.push(bindText(mount));
        else mounts.push(bindMount(mount));
        break;
      case 'volume':
        mountVolume(project, mount, binds, mounts);
        break;
      case 'tmpfs':
        if (mount.options !== undefined) tmpfs[mount.target] = mount.options;
        else mounts.push(tmpfsMount(mount));
        break;
    }
  }
  return {
    Binds: binds.length === 0 ? null : binds,
    Mounts: mounts.length === 0 ? null : mounts,
    Tmpfs: tmpfs,
  };
}

type BindMount = Extract<MountSpec, { kind: 'bind' }>;
type VolumeMount = Extract<MountSpec, { kind: 'volume' }>;
type TmpfsMount = Extract<MountSpec, { kind: 'tmpfs' }>;

function bindText(mount: BindMount): string {
  const options = [mount.readOnly ? 'ro' : 'rw', ...(mount.selinux === null ? [] : [mount.selinux])];
  return `${mount.source}:${mount.target}:${options.join(',')}`;
}

function bindMount(mount: BindMount): Record<string, unknown> {
  return {
    Type: 'bind',
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.readOnly,
    BindOptions: {
      ...(mount.propagation === null ? {} : { Propagation: mount.propagation }),
      CreateMountpoint: mount.createHostPath,
    },
  };
}

function mountVolume(
  project: ComposeProject,
  mount: VolumeMount,
  binds: string[],
  mounts: Record<string, unknown>[],
): void {
  const name = project.volumes.find((volume) => volume.key === mount.source)?.name ?? mount.source;
  if (name !== null && !mount.noCopy && mount.subpath === null) {
    binds.push(`${name}:${mount.target}:${mount.readOnly ? 'ro' : 'rw'}`);
    return;
  }
  mounts.push({
    Type: 'volume',
    ...(name === null ? {} : { Source: name }),
    Target: mount.target,
    ReadOnly: mount.readOnly,
    VolumeOptions: {
      ...(mount.noCopy ? { NoCopy: true } : {}),
      ...(mount.subpath === null ? {} : { Subpath: mount.subpath }),
    },
  });
}

function tmpfsMount(mount: TmpfsMount): Record<string, unknown> {
  const options = {
    ...(mount.sizeBytes === null ? {} : { SizeBytes: mount.sizeBytes }),
    ...(mount.mode === null ? {} : { Mode: mount.mode }),
  };
  return {
    Type: 'tmpfs',
    Target: mount.target,
    ...(Object.keys(options).length === 0 ? {} : { TmpfsOptions: options }),
  };
}
