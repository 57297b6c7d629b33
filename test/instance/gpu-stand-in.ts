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

/**
 * Plays a machine with an NVIDIA card: the card on the PCI bus (until the next boot), and an archive with the toolkit and
 * with the driver, whose installation takes `driverSeconds`, or fails where that is null. The toolkit's hook does nothing.
 */
export async function installGpuStandIn(machine: Machine, driverSeconds: number | null): Promise<void> {
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
  const archive = '/opt/nvidia-archive';
  const files: [path: string, content: string, mode: string][] = [
    ['nvidia-container-toolkit/usr/bin/nvidia-ctk', '#!/bin/sh\n', '0755'],
    ['nvidia-container-toolkit/usr/bin/nvidia-container-runtime-hook', '#!/bin/sh\n', '0755'],
    ['nvidia-kernel-open-dkms/usr/local/sbin/modprobe', MODPROBE, '0755'],
    ['nvidia-kernel-open-dkms/DEBIAN/postinst', `#!/bin/sh\n${installing}\n`, '0755'],
    ['nvidia-driver-cuda/usr/bin/nvidia-smi', NVIDIA_SMI, '0755'],
  ];
  for (const [path, content, mode] of files) await machine.write(`${archive}/${path}`, content, mode);
  await machine.must(
    `set -e
    cd ${archive}
    for name in nvidia-container-toolkit nvidia-kernel-open-dkms nvidia-driver-cuda linux-headers-$(uname -r); do
      mkdir -p $name/DEBIAN
      printf 'Package: %s\\nVersion: 580.95.05-1\\nArchitecture: all\\nMaintainer: test <test@example.org>\\nDescription: stand-in\\n' $name >$name/DEBIAN/control
      dpkg-deb -Znone -b $name $name.deb
      { cat $name/DEBIAN/control; stat -c 'Size: %s' $name.deb; echo "SHA256: $(sha256sum $name.deb | cut -d' ' -f1)"; echo "Filename: ./$name.deb"; echo; } >>Packages
    done
    echo 'deb [trusted=yes] file:${archive} ./' >/etc/apt/sources.list.d/nvidia-stand-in.list`,
  );
}
