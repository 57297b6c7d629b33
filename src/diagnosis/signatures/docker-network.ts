import type { Signature } from '../types.ts';

const CHECKED =
  'moby 20.10 to 29.7.2 (daemon/libnetwork, bridge driver, port allocator), engine 20.10.24 really asked; user reports 2016 to 2026';

/** Refusals of ports, networks and firewall rules: words of the engine's network part. */
export const DOCKER_NETWORK_SIGNATURES: readonly Signature[] = [
  {
    id: 'docker_port',
    knownAs: 'port',
    family: 'docker',
    code: 'port_in_use',
    symptom: 'Bind for 0.0.0.0:8000 failed: port is already allocated',
    patterns: [
      /Bind for (?<address>\S{1,60}) failed: port is already allocated/,
      /listen (?:tcp|udp)[46]? (?<address>\S{1,60}): (?:bind|listen): address already in use/,
      /failed to bind host port (?:for )?(?<address>\S{1,80}): address already in use/,
      /failed to (?:bind|listen on) (?:host port |TCP socket ?)?.{0,80}address already in use/,
      /Ports are not available: exposing port \S{1,20} (?<address>\S{1,60})/,
      /port is already allocated/,
    ],
    detail: ({ address }) =>
      address === undefined
        ? 'the port of the container is taken'
        : `${address} is taken by another program or container`,
    remedy: ({ address }) => {
      const port = /:(\d{1,5})(?=$|:|\/)/.exec(address ?? '')?.[1];
      return port === undefined
        ? null
        : `Find its owner with: ss -ltnp 'sport = :${port}' (or docker ps for a container); stop it, or change the port in the compose file.`;
    },
    samples: [
      'driver failed programming external connectivity on endpoint ai-sandbox-api (5eed): Bind for 0.0.0.0:8000 failed: port is already allocated',
      'Error starting userland proxy: listen tcp4 0.0.0.0:3000: bind: address already in use',
      'failed to set up container networking: driver failed programming external connectivity on endpoint ui (5eed): failed to bind host port for 0.0.0.0:3000:172.18.0.2:8080/tcp: address already in use',
      'failed to bind host port 0.0.0.0:8000/tcp: address already in use',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_port_denied',
    family: 'docker',
    code: 'container_option_invalid',
    symptom: 'cannot expose privileged port / bind: cannot assign requested address',
    patterns: [
      /(?:listen|bind)\b.{0,120}bind: (?:permission denied|cannot assign requested address)/,
      /failed to bind host port.{0,120}(?:permission denied|cannot assign requested address)/,
      /cannot expose (?:privileged )?port/,
    ],
    remedy: () =>
      'Correct the address or port under ports: in the compose file; the address must be one of this machine.',
    samples: [
      'Error starting userland proxy: listen tcp4 203.0.113.9:8000: bind: cannot assign requested address',
      'failed to bind host port for 203.0.113.9:3000:172.18.0.2:8080/tcp: cannot assign requested address',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_firewall',
    family: 'docker',
    code: 'firewall_rules_failed',
    symptom: 'iptables failed: No chain/target/match by that name',
    patterns: [
      /iptables failed: /,
      /iptables\S{0,20}: No chain\/target\/match by that name/,
      /(?:unable|failed) to (?:enable|insert|create|append|add|set|setup|set up|remove|delete).{0,100}(?:DNAT rule|NAT chain|FILTER chain|iptables|SKIP DNAT|ACCEPT rule|jump rule|nftables|firewall rule)/i,
      /Chain 'DOCKER\S{0,30}' does not exist/,
      /iptables v\S{1,12} \(\w+\): .{0,60}(?:can't initialize|Could not fetch rule set|table does not exist|Permission denied|(?:RULE|CHAIN|TABLE)_\w+ failed)/,
      /(?:add|set)ing? (?:inter-network communication|isolation) rule: /i,
      /INVALID_ZONE: docker|ZONE_CONFLICT: '?docker/,
      /Unable to (?:allow|prevent) intercontainer communication|Failed to Setup IP tables/i,
      /could not create \S{1,60} chain|failed to create (?:filter|nat) \S{1,60} chain|ensure the jump rule for/,
      /\bip6?tables (?:not found|is missing)|Failed to initialize nft: /i,
      /cannot restrict inter-container communication|ensure that the br_netfilter kernel module is loaded/,
      /IPv\d (?:global )?forwarding is disabled: check your host's firewalling/,
    ],
    samples: [
      'driver failed programming external connectivity on endpoint api (5eed): Unable to enable DNAT rule:  (iptables failed: iptables --wait -t nat -A DOCKER -p tcp -d 0/0 --dport 8000 -j DNAT --to-destination 172.18.0.2:8000 ! -i br-5eed: iptables: No chain/target/match by that name.',
      "iptables v1.8.9 (nf_tables): Chain 'DOCKER' does not exist",
      'failed to start daemon: Error initializing network controller: error obtaining controller instance: failed to create NAT chain DOCKER: Iptables not found',
      'INVALID_ZONE: docker',
      'iptables v1.8.2 (nf_tables):  RULE_INSERT failed (Invalid argument): rule in chain FORWARD',
      'cannot restrict inter-container communication or run without the userland proxy: stat /proc/sys/net/bridge/bridge-nf-call-iptables: no such file or directory: ensure that the br_netfilter kernel module is loaded',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_kernel_network',
    family: 'docker',
    code: 'engine_broken',
    symptom: 'failed to add the host (veth1) <=> sandbox (veth2) pair interfaces: operation not supported',
    patterns: [
      /pair interfaces: (?:operation not supported|no such device|invalid argument)/,
      /[Ff]ailed to create bridge \S{1,40} via netlink|adding interface \S{1,40} to bridge \S{1,40} failed: /,
      /failed to create (?:new osl|default) sandbox: /,
    ],
    remedy: () =>
      'Reboot: after an update of the kernel the running one finds its modules (veth, bridge) no more. Then check: modprobe veth bridge.',
    samples: [
      'failed to set up container networking: failed to create endpoint api on network bridge: failed to add the host (veth1a) <=> sandbox (veth1b) pair interfaces: operation not supported',
      'adding interface veth1a to bridge docker0 failed: Device does not exist',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_endpoint_left',
    family: 'docker',
    code: 'engine_broken',
    symptom: 'endpoint with name ai-sandbox-ui already exists in network ai-sandbox-network',
    patterns: [
      /endpoint with name (?<endpoint>\S{1,120}) already exists in network (?<network>[\w.-]{1,120})/,
    ],
    detail: ({ endpoint, network }) =>
      `${network} still holds an entry of ${endpoint} from a container that is gone`,
    remedy: ({ endpoint, network }) =>
      `Remove the entry: docker network disconnect -f ${network ?? 'NETWORK'} ${endpoint ?? 'NAME'}; the service starts by itself afterwards.`,
    samples: [
      'Error response from daemon: endpoint with name ai-sandbox-ui already exists in network ai-sandbox-network',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_network_pool',
    family: 'docker',
    code: 'network_unavailable',
    symptom: 'could not find an available, non-overlapping IPv4 address pool',
    patterns: [
      /could not find an available(?:, non-overlapping| predefined network)/,
      /list bridge addresses failed: /,
      /all predefined address pools have been fully subnetted/,
      /Pool overlaps with other one on this address space/i,
      /cannot create network \S{1,80} \(\S{1,30}\): conflicts with network/,
      /no available (?:IPv[46] )?addresses (?:on this pool|in)/i,
      /networks have (?:overlapping|same) (?:IPv[46]|bridge name)/,
    ],
    samples: [
      'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      'Error initializing network controller: list bridge addresses failed: PredefinedLocalScopeDefaultNetworks List: [172.17.0.0/16]: no available network',
      'all predefined address pools have been fully subnetted',
      'invalid pool request: Pool overlaps with other one on this address space',
      "no available IPv4 addresses on this network's address pools: bridge (5eed): no available addresses on this pool",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_network_missing',
    family: 'docker',
    code: 'network_missing',
    symptom: 'network ai-sandbox-network not found',
    patterns: [
      /^(?:.{0,60}: )?network (?<network>[\w.-]{1,120}) not found/,
      /network (?<network>[\w.-]{1,120}) declared as external, but could not be found/,
      /could not find (?:a )?network|network with (?:name|ID) .{1,120} not found/i,
      /failed to set up container networking: network (?<network>[\w.-]{1,120}) not found/,
    ],
    remedy: ({ network }) =>
      network === undefined || /^[0-9a-f]{20,}$/.test(network)
        ? 'Make the container anew: docker rm it; the daemon creates container and network again.'
        : `Make it: docker network create ${network}; the network of the services themselves is made anew by itself.`,
    samples: [
      'network no-such-network not found',
      'network proxy declared as external, but could not be found',
      'failed to set up container networking: network 5eed5eed5eed5eed5eed5eed not found',
    ],
    checkedAgainst: CHECKED,
  },
];
