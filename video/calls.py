"""Which system calls a child keeps: reading, memory, threads, clocks. No network, no program, no file changed.

A list of what there is, and not of what there is not: kernels learn new calls. See seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_TABLE = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, preadv 295 69, lseek 8 62, close 3 57, dup 32 23,
fstat 5 80, newfstatat 262 79, stat 4 -, lstat 6 -, statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -,
faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78, getcwd 79 17, getdents64 217 61,
fadvise64 221 223, ioctl 16 29, fcntl 72 25, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72,
mmap 9 222, munmap 11 215, mprotect 10 226, madvise 28 233, brk 12 214, mremap 25 216, get_mempolicy 239 236,
futex 202 98, membarrier 324 283, rseq 334 293, set_robust_list 273 99, set_tid_address 218 96, getcpu 309 168,
sched_yield 24 124, sched_getaffinity 204 123, sched_setaffinity 203 122, sched_getparam 143 121,
sched_getscheduler 145 120, getpriority 140 141, setpriority 141 140,
nanosleep 35 101, clock_nanosleep 230 115, clock_gettime 228 113, clock_getres 229 114, gettimeofday 96 169, time 201 -,
times 100 153, setitimer 38 103, getrusage 98 165, getrlimit 97 163, sysinfo 99 179, uname 63 160, getrandom 318 278,
getpid 39 172, getppid 110 173, gettid 186 178, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177,
rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigtimedwait 128 137,
rt_sigsuspend 130 133, sigaltstack 131 132, pause 34 -, restart_syscall 219 128, exit 60 93, exit_group 231 94
"""
"""Names and numbers on x86-64 and aarch64: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h
of Linux. What decoding and encoding take as traced, and older and newer likes of it."""

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machines as `uname` calls them: their column of numbers, and AUDIT_ARCH of linux/audit.h."""

_KILL, _TGKILL, _PRLIMIT = (62, 129), (234, 131), (302, 261)
"""May be done to this process alone."""

_OPEN, _OPENAT, _CHANGING = 2, (257, 56), os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
"""May open a file to read it; aarch64 has only the latter. `openat2`, whose arguments no filter sees, is not there."""

_CLONE, _THREAD = (56, 220), 0x00010000
"""May make a thread of this process (CLONE_THREAD). `clone3` is not there, for the same reason: libraries try both."""

_SECCOMP, _FILTER, _SPECULATES = (317, 277), 1, 1 << 2
"""The call that takes the others away, and its flag that leaves the processor its guesses about stores: older kernels
take them from whoever has a filter, and decoding would be slower."""

_LOAD, _EQUALS, _HAS, _ANSWER = 0x20, 0x15, 0x45, 0x06
"""BPF: load a word of what is asked for, compare it, look for bits in it, answer."""

_YES, _NO, _UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
"""SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM, and with ENOSYS, at which libraries take their other ways."""

_CALL_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
"""Offsets in struct seccomp_data. Of an argument the lower half is looked at, all that these calls heed."""

Step = tuple[int, int, int, int]
"""An operation, how many steps it leaves out where it holds and where not, and its operand."""


def give_up_calls() -> None:
    """Keep no system calls but these, in this thread and those it starts; all where this kernel or machine cannot.
    PR_SET_NO_NEW_PRIVS must be set."""
    column, machine = _MACHINES.get(platform.machine(), (0, 0))
    if not machine or struct.calcsize("P") != 8:
        return
    steps = _filter(column, machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    ctypes.CDLL(None).syscall(_SECCOMP[column], _FILTER, _SPECULATES, program)


def _filter(column: int, machine: int) -> list[Step]:
    steps = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUALS, 1, 0, machine), (_ANSWER, 0, 0, _UNKNOWN), (_LOAD, 0, 0, _CALL_AT)]
    for row in _TABLE.replace("\n", " ").split(","):
        number = row.split()[1 + column]
        if number != "-":
            steps += _asked(int(number), [(_ANSWER, 0, 0, _YES)])
    for numbers in (_KILL, _TGKILL):
        steps += _asked(numbers[column], _either(0, _EQUALS, os.getpid(), _YES, _NO))
    steps += _asked(_PRLIMIT[column], _either(0, _EQUALS, 0, _YES, _NO))
    steps += _asked(_OPENAT[column], _either(2, _HAS, _CHANGING, _NO, _YES))
    if column == 0:
        steps += _asked(_OPEN, _either(1, _HAS, _CHANGING, _NO, _YES))
    steps += _asked(_CLONE[column], _either(0, _HAS, _THREAD, _YES, _NO))
    return [*steps, (_ANSWER, 0, 0, _UNKNOWN)]


def _asked(number: int, then: list[Step]) -> list[Step]:
    return [(_EQUALS, 0, len(then), number), *then]


def _either(argument: int, test: int, operand: int, holds: int, fails: int) -> list[Step]:
    load = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)
    return [load, (test, 0, 1, operand), (_ANSWER, 0, 0, holds), (_ANSWER, 0, 0, fails)]
