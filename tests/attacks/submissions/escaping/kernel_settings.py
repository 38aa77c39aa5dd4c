"""Writes to the kernel's settings: the handler of crashes, the order of killing, the limits."""

for path in (
    "/proc/sys/kernel/core_pattern",
    "/proc/self/oom_score_adj",
    "/proc/sys/kernel/pid_max",
    "/proc/self/coredump_filter",
    "/sys/fs/cgroup/cgroup.procs",
    "/proc/self/timerslack_ns",
):
    try:
        open(path, "r+")
    except OSError:
        continue
    raise RuntimeError(f"BREACHED: opened {path} to write")
