/* refuse - the parts of a seccomp filter that all of ours have: a list of
 * struct sock_filter begins with RH_REFUSE_OTHERS, then refuses calls, and ends with
 * RH_ANSWER(SECCOMP_RET_ALLOW).
 *
 * Only where RH_REFUSE_ARCH is defined.  What is refused fails with EPERM. */
#ifndef RH_BASE_REFUSE_H
#define RH_BASE_REFUSE_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define RH_REFUSE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define RH_REFUSE_ARCH AUDIT_ARCH_AARCH64
#endif

#define RH_LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RH_ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define RH_REFUSED        RH_ANSWER(SECCOMP_RET_ERRNO | EPERM)

/* Jumps over the refusal unless it is that call. */
#define RH_REFUSE(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), RH_REFUSED

/* The numbers of x32 are others. */
#ifdef __x86_64__
#define RH_REFUSE_X32 \
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1), RH_REFUSED,
#else
#define RH_REFUSE_X32
#endif

/* Calls of another architecture; then the number is loaded. */
#define RH_REFUSE_OTHERS \
	RH_LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RH_REFUSE_ARCH, 1, 0), \
	RH_REFUSED, RH_LOAD(nr), RH_REFUSE_X32

/* What changes the machine, other processes or who one is. */
#define RH_REFUSE_POWERS \
	RH_REFUSE(SYS_bpf), RH_REFUSE(SYS_perf_event_open), RH_REFUSE_POWERS_BUT_BPF

/* The same for the one process that loads eBPF. */
#define RH_REFUSE_POWERS_BUT_BPF \
	RH_REFUSE(SYS_process_vm_readv), RH_REFUSE(SYS_process_vm_writev), \
	RH_REFUSE(SYS_mount), RH_REFUSE(SYS_umount2), RH_REFUSE(SYS_pivot_root), \
	RH_REFUSE(SYS_chroot), RH_REFUSE(SYS_move_mount), RH_REFUSE(SYS_open_tree), \
	RH_REFUSE(SYS_fsopen), RH_REFUSE(SYS_fsmount), RH_REFUSE(SYS_setns), \
	RH_REFUSE(SYS_unshare), RH_REFUSE(SYS_userfaultfd), RH_REFUSE(SYS_io_uring_setup), \
	RH_REFUSE(SYS_keyctl), RH_REFUSE(SYS_add_key), RH_REFUSE(SYS_request_key), \
	RH_REFUSE(SYS_init_module), RH_REFUSE(SYS_finit_module), \
	RH_REFUSE(SYS_delete_module), RH_REFUSE(SYS_kexec_load), \
	RH_REFUSE(SYS_kexec_file_load), RH_REFUSE(SYS_reboot), RH_REFUSE(SYS_swapon), \
	RH_REFUSE(SYS_swapoff), RH_REFUSE(SYS_setuid), RH_REFUSE(SYS_setgid), \
	RH_REFUSE(SYS_setreuid), RH_REFUSE(SYS_setregid), RH_REFUSE(SYS_setresuid), \
	RH_REFUSE(SYS_setresgid), RH_REFUSE(SYS_setgroups), RH_REFUSE(SYS_capset)

#endif
