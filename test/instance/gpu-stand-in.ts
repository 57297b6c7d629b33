import type { Machine } from './machine.ts';

/** What `nvidia-smi` says of the card that is played: an RTX 4000 Ada. Fields that it does not know are refused, as by an old driver. */
const NVIDIA_SMI = `#!/bin/bash
[ -e /run/nvidia-is-loaded ] || { echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."; exit 9; }
declare -A card=([index]=0 [uuid]=GPU-00000000-0000-0000-0000-000000000001 [name]='NVIDIA RTX 4000 Ada Generation' [driver_version]=580.95.05
  [memory.total]=20475 [memory.used]=1 [memory.free]=20474 [temperature.gpu]=38 [utilization.gpu]=0 [power.draw]=12.00 [compute_cap]=8.9)
case "$1" in
  -L) echo "GPU 0: \${card[name]} (UUID: \${card[uuid]})" ;;
  --query-gpu=*)
    IFS=, read -ra fields <<<"\${1#--query-gpu=}"
    row=
    for field in "\${fields[@]}"; do
      [ -n "\${card[$field]:-}" ] || { echo "Field \\"$field\\" is not a valid field to query."; exit 2; }
      row+="\${card[$field]}, "
    done
    echo "\${row%, }" ;;
  *) echo '<?xml version="1.0" ?><nvidia_smi_log></nvidia_smi_log>' ;;
esac
`;

/** Knows the modules of NVIDIA; the others it leaves to the real one. */
const MODPROBE = `#!/bin/sh
case "$1" in
  nvidia) touch /run/nvidia-is-loaded ;;
  nvidia_*) [ -e /run/nvidia-is-loaded ] ;;
  *) exec /sbin/modprobe "$@" ;;
esac
`;

/** Writes the runtime into the settings of the engine, which are one object, as the real one does; does it once. */
const NVIDIA_CTK = `#!/bin/sh
[ "$*" = 'runtime configure --runtime=docker' ] || exit 1
file=/etc/docker/daemon.json
grep -q nvidia $file || sed -i '$s/}[[:space:]]*$/, "runtimes": { "nvidia": { "path": "nvidia-container-runtime", "args": [] } } }/' $file
`;

/** Packages of the driver, by whose names the archive has them: with the files that each brings, and what takes its time. */
const DRIVER_PACKAGES = {
  debian: {
    modules: 'nvidia-kernel-open-dkms',
    tools: 'nvidia-driver-cuda',
    others: ['linux-headers-$(uname -r)', 'linux-image-amd64', 'linux-headers-amd64'],
    kernels: 'linux-image-amd64',
  },
  ubuntu: {
    modules: 'linux-modules-nvidia-580-open-$(uname -r)',
    tools: 'nvidia-utils-580',
    others: [
      'nvidia-headless-no-dkms-580-open',
      'linux-image-generic-hwe-24.04',
      'linux-modules-nvidia-580-open-generic-hwe-24.04',
    ],
    kernels: 'linux-image-generic-hwe-24.04',
  },
};

/**
 * Plays a machine with an NVIDIA card: the card on the PCI bus (until the next boot), and an archive with the toolkit and
 * with the driver, whose installation takes `driverSeconds`, or fails where that is null. `names`: those of Debian with the
 * archive of NVIDIA, or of Ubuntu. What brings new kernels is installed. The toolkit's hook does nothing, its runtime is
 * the engine's own.
 */
export async function installGpuStandIn(
  machine: Machine,
  driverSeconds: number | null,
  names: keyof typeof DRIVER_PACKAGES = 'debian',
): Promise<void> {
  await machine.must(
    `set -e
    mkdir -p /opt/pci/0000:01:00.0 && cd /opt/pci/0000:01:00.0
    echo 0x10de >vendor; echo 0x27b2 >device; echo 0x030200 >class
    mount --bind /opt/pci /sys/bus/pci/devices`,
  );
  const installing =
    driverSeconds === null
      ? 'echo "Error! Bad return status for module build on kernel" >&2; exit 10'
      : `sleep ${driverSeconds}`;
  const { modules, tools, others, kernels } = DRIVER_PACKAGES[names];
  const archive = '/opt/nvidia-archive';
  const kernel = await machine.must('uname -r');
  const named = (name: string) => name.replace('$(uname -r)', kernel);
  const files: [path: string, content: string, mode: string][] = [
    ['nvidia-container-toolkit/usr/bin/nvidia-ctk', NVIDIA_CTK, '0755'],
    ['nvidia-container-toolkit/usr/bin/nvidia-container-runtime-hook', '#!/bin/sh\n', '0755'],
    ['nvidia-container-toolkit/usr/bin/nvidia-container-runtime', '#!/bin/sh\nexec runc "$@"\n', '0755'],
    [`${named(modules)}/usr/local/sbin/modprobe`, MODPROBE, '0755'],
    [`${named(modules)}/DEBIAN/postinst`, `#!/bin/sh\n${installing}\n`, '0755'],
    [`${tools}/usr/bin/nvidia-smi`, NVIDIA_SMI, '0755'],
  ];
  for (const [path, content, mode] of files) await machine.write(`${archive}/${path}`, content, mode);
  const packages = ['nvidia-container-toolkit', modules, tools, ...others].map(named);
  await machine.must(
    `set -e
    cd ${archive}
    for name in ${packages.join(' ')}; do
      mkdir -p $name/DEBIAN
      printf 'Package: %s\\nVersion: 580.95.05-1\\nArchitecture: all\\nMaintainer: test <test@example.org>\\nDescription: stand-in\\n' $name >$name/DEBIAN/control
      dpkg-deb -Znone -b $name $name.deb
      { cat $name/DEBIAN/control; stat -c 'Size: %s' $name.deb; echo "SHA256: $(sha256sum $name.deb | cut -d' ' -f1)"; echo "Filename: ./$name.deb"; echo; } >>Packages
    done
    dpkg -i ${kernels}.deb
    echo 'deb [trusted=yes] file:${archive} ./' >/etc/apt/sources.list.d/nvidia-stand-in.list`,
  );
}

/** Names of the packages of kernels and of the GPU that are installed, in their order. */
export async function driverPackages(machine: Machine): Promise<string[]> {
  const format = '${db:Status-Status} ${Package}\\n';
  const text = await machine.must(
    `dpkg-query -W -f '${format}' 'linux-*' 'nvidia-*' 2>/dev/null | sed -n 's/^installed //p' | sort`,
  );
  return text.split('\n');
}
