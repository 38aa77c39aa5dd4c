"""Reaches the reference through /proc/self/root."""

exec(open("/proc/self/root@COURSE@/solutions/target.py").read())
