/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's system calls: X(name, function). One list gives the prototypes and the table.
 */
#ifndef IL_GUEST_NANO_SYS_H
#define IL_GUEST_NANO_SYS_H

#include "guest/nano/core.h"

#define CORE_SYSCALLS(X)                                                                           \
	/* mmap.c */                                                                               \
	X(mmap, sys_mmap)                                                                          \
	X(munmap, sys_munmap)                                                                      \
	X(mprotect, sys_mprotect)                                                                  \
	X(madvise, sys_madvise)                                                                    \
	X(mremap, sys_mremap)                                                                      \
	X(brk, sys_brk)                                                                            \
	X(msync, sys_msync)                                                                        \
	X(mincore, sys_mincore)                                                                    \
	X(mlock, sys_mlock)                                                                        \
	X(mlock2, sys_mlock)                                                                       \
	X(munlock, sys_mlock)                                                                      \
	X(mlockall, sys_zero)                                                                      \
	X(munlockall, sys_zero)                                                                    \
	/* exec.c */                                                                               \
	X(execve, sys_execve)                                                                      \
	X(execveat, sys_execveat)                                                                  \
	/* signal.c */                                                                             \
	X(rt_sigaction, sys_rt_sigaction)                                                          \
	X(rt_sigprocmask, sys_rt_sigprocmask)                                                      \
	X(rt_sigpending, sys_rt_sigpending)                                                        \
	X(rt_sigsuspend, sys_rt_sigsuspend)                                                        \
	X(rt_sigtimedwait, sys_rt_sigtimedwait)                                                    \
	X(rt_sigreturn, sys_rt_sigreturn)                                                          \
	X(rt_sigqueueinfo, sys_rt_sigqueueinfo)                                                    \
	X(sigaltstack, sys_sigaltstack)                                                            \
	X(kill, sys_kill)                                                                          \
	X(tkill, sys_tkill)                                                                        \
	X(tgkill, sys_tgkill)                                                                      \
	X(pause, sys_pause)                                                                        \
	/* sys_time.c */                                                                           \
	X(clock_gettime, sys_clock_gettime)                                                        \
	X(clock_getres, sys_clock_getres)                                                          \
	X(clock_nanosleep, sys_clock_nanosleep)                                                    \
	X(clock_settime, sys_perm)                                                                 \
	X(clock_adjtime, sys_perm)                                                                 \
	X(adjtimex, sys_perm)                                                                      \
	X(settimeofday, sys_perm)                                                                  \
	X(nanosleep, sys_nanosleep)                                                                \
	X(gettimeofday, sys_gettimeofday)                                                          \
	X(time, sys_time)                                                                          \
	X(times, sys_times)                                                                        \
	X(alarm, sys_alarm)                                                                        \
	X(setitimer, sys_setitimer)                                                                \
	X(getitimer, sys_getitimer)                                                                \
	/* sys_ids.c */                                                                            \
	X(getpid, sys_getpid)                                                                      \
	X(gettid, sys_getpid)                                                                      \
	X(getppid, sys_getppid)                                                                    \
	X(getpgrp, sys_getpgrp)                                                                    \
	X(getpgid, sys_getpgid)                                                                    \
	X(setpgid, sys_setpgid)                                                                    \
	X(getsid, sys_getsid)                                                                      \
	X(setsid, sys_setsid)                                                                      \
	X(getuid, sys_getuid)                                                                      \
	X(geteuid, sys_geteuid)                                                                    \
	X(getgid, sys_getgid)                                                                      \
	X(getegid, sys_getegid)                                                                    \
	X(getresuid, sys_getresuid)                                                                \
	X(getresgid, sys_getresgid)                                                                \
	X(setuid, sys_setuid)                                                                      \
	X(setgid, sys_setgid)                                                                      \
	X(setreuid, sys_setreuid)                                                                  \
	X(setregid, sys_setregid)                                                                  \
	X(setresuid, sys_setresuid)                                                                \
	X(setresgid, sys_setresgid)                                                                \
	X(setfsuid, sys_setfsuid)                                                                  \
	X(setfsgid, sys_setfsgid)                                                                  \
	X(getgroups, sys_getgroups)                                                                \
	X(setgroups, sys_setgroups)                                                                \
	X(capget, sys_capget)                                                                      \
	X(capset, sys_capset)                                                                      \
	/* sys_process.c */                                                                        \
	X(exit, sys_exit)                                                                          \
	X(exit_group, sys_exit)                                                                    \
	X(wait4, sys_wait)                                                                         \
	X(waitid, sys_wait)                                                                        \
	X(arch_prctl, sys_arch_prctl)                                                              \
	X(prctl, sys_prctl)                                                                        \
	X(personality, sys_personality)                                                            \
	X(set_tid_address, sys_set_tid_address)                                                    \
	X(set_robust_list, sys_set_robust_list)                                                    \
	X(rseq, sys_nosys)                                                                         \
	X(futex, sys_futex)                                                                        \
	X(membarrier, sys_membarrier)                                                              \
	X(getcpu, sys_getcpu)                                                                      \
	X(getrandom, sys_getrandom)                                                                \
	X(uname, sys_uname)                                                                        \
	X(sysinfo, sys_sysinfo)                                                                    \
	X(sethostname, sys_perm)                                                                   \
	X(setdomainname, sys_perm)                                                                 \
	X(syslog, sys_perm)                                                                        \
	X(reboot, sys_perm)                                                                        \
	X(ptrace, sys_perm)                                                                        \
	X(fork, sys_nosys)                                                                         \
	X(vfork, sys_nosys)                                                                        \
	X(clone, sys_nosys)                                                                        \
	X(clone3, sys_nosys)                                                                       \
	X(socket, sys_no_family)                                                                   \
	X(socketpair, sys_no_family)                                                               \
	/* sys_limits.c */                                                                         \
	X(getrlimit, sys_getrlimit)                                                                \
	X(setrlimit, sys_setrlimit)                                                                \
	X(prlimit64, sys_prlimit64)                                                                \
	X(getrusage, sys_getrusage)                                                                \
	X(getpriority, sys_getpriority)                                                            \
	X(setpriority, sys_zero)                                                                   \
	X(ioprio_get, sys_zero)                                                                    \
	X(ioprio_set, sys_zero)                                                                    \
	X(sched_yield, sys_zero)                                                                   \
	X(sched_getaffinity, sys_sched_getaffinity)                                                \
	X(sched_setaffinity, sys_zero)                                                             \
	X(sched_getscheduler, sys_zero)                                                            \
	X(sched_setscheduler, sys_zero)                                                            \
	X(sched_getparam, sys_sched_getparam)                                                      \
	X(sched_setparam, sys_zero)                                                                \
	X(sched_get_priority_max, sys_zero)                                                        \
	X(sched_get_priority_min, sys_zero)                                                        \
	X(sched_rr_get_interval, sys_sched_rr_get_interval)

#define DECLARE_SYSCALL(name, fn) long fn(const uint64_t *a);
CORE_SYSCALLS(DECLARE_SYSCALL)
#undef DECLARE_SYSCALL

#endif
