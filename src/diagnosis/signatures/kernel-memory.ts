import type { Signature } from '../types.ts';

/** The kernel, when memory runs out. */
export const KERNEL_MEMORY_SIGNATURES: readonly Signature[] = [
  {
    id: 'kernel_oom',
    family: 'docker',
    code: 'out_of_memory',
    strength: 'weak',
    symptom: 'kernel: Memory cgroup out of memory: Killed process 4242 (python3)',
    patterns: [
      /(?<scope>Memory cgroup out|Out) of memory(?: \([^)]{1,60}\))?: Kill(?:ed)? process (?<pid>\d+) \((?<process>[^)]{1,60})\)/,
      /oom-kill:constraint=(?<scope>CONSTRAINT_\w+).{0,600},task=(?<process>[^,]{1,60}),pid=(?<pid>\d+)/,
    ],
    detail: ({ scope = '', process, pid }) =>
      `the kernel ended ${process} (process ${pid}) because ${
        /cgroup|MEMCG/.test(scope)
          ? 'its container reached its memory limit'
          : 'the memory of the machine ran out'
      }`,
    samples: [
      'Memory cgroup out of memory: Killed process 4242 (VLLM::EngineCor) total-vm:6291456kB, anon-rss:1048576kB',
      'Out of memory: Killed process 977 (python3) total-vm:29360128kB, anon-rss:15728640kB, file-rss:0kB',
    ],
    checkedAgainst: 'Linux 4.19 to 6.12 (mm/oom_kill.c)',
  },
  {
    id: 'kernel_oom_began',
    knownAs: 'kernel_oom',
    family: 'docker',
    code: 'out_of_memory',
    strength: 'secondary',
    symptom: 'kernel: python3 invoked oom-killer: gfp_mask=…',
    patterns: [/\S{1,60} invoked oom-killer: /],
    detail: () => 'the kernel looked for a program to end because memory ran out',
    samples: ['python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0'],
    checkedAgainst: 'Linux 4.19 to 6.12 (mm/oom_kill.c)',
  },
];
