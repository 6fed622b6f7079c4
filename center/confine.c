#include "confine.h"

#include "../base/diag.h"
#include "../model/error.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define REFUSED        (SECCOMP_RET_ERRNO | EPERM)

/* Jumps over the refusal unless it is that call. */
#define REFUSE(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), ANSWER(REFUSED)

#ifdef ARCH
static const struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	ANSWER(REFUSED),
	LOAD(nr),
#ifdef __x86_64__
	/* The numbers of x32 are others. */
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1), ANSWER(REFUSED),
#endif
	REFUSE(SYS_execve), REFUSE(SYS_execveat),
#ifndef IS_SANITIZED /* the leak checker looks at its own threads */
	REFUSE(SYS_ptrace),
#endif
	REFUSE(SYS_process_vm_readv), REFUSE(SYS_process_vm_writev),
	REFUSE(SYS_mount), REFUSE(SYS_umount2), REFUSE(SYS_pivot_root),
	REFUSE(SYS_chroot), REFUSE(SYS_move_mount), REFUSE(SYS_open_tree),
	REFUSE(SYS_fsopen), REFUSE(SYS_fsmount), REFUSE(SYS_setns), REFUSE(SYS_unshare),
	REFUSE(SYS_bpf), REFUSE(SYS_perf_event_open), REFUSE(SYS_userfaultfd),
	REFUSE(SYS_io_uring_setup), REFUSE(SYS_keyctl), REFUSE(SYS_add_key),
	REFUSE(SYS_request_key), REFUSE(SYS_init_module), REFUSE(SYS_finit_module),
	REFUSE(SYS_delete_module), REFUSE(SYS_kexec_load), REFUSE(SYS_kexec_file_load),
	REFUSE(SYS_reboot), REFUSE(SYS_swapon), REFUSE(SYS_swapoff),
	REFUSE(SYS_setuid), REFUSE(SYS_setgid), REFUSE(SYS_setreuid),
	REFUSE(SYS_setregid), REFUSE(SYS_setresuid), REFUSE(SYS_setresgid),
	REFUSE(SYS_setgroups), REFUSE(SYS_capset),
	ANSWER(SECCOMP_RET_ALLOW),
};
#endif

int rh_confine(struct rh_diag *diag)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "no_new_privs: %s", strerror(errno));
#ifdef ARCH
	struct sock_fprog program = {
		.len = sizeof filter / sizeof filter[0],
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "seccomp: %s", strerror(errno));
	return RH_OK;
#else
	return rh_diag_set(diag, RH_ENOSYS, "no filter is written for this processor");
#endif
}
