#include "confine.h"

#include "load.h"

#include "../../base/diag.h"
#include "../../base/log.h"
#include "../../base/refuse.h"
#include "../../base/sanitized.h"
#include "../../model/error.h"

#include <bpf/bpf.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <mntent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CAPS_HELD (1ull << CAP_BPF | 1ull << CAP_PERFMON | 1ull << CAP_NET_ADMIN)
#define CAPS_OPENER (1ull << CAP_SYS_ADMIN | 1ull << CAP_PERFMON)

/* ---- what is opened before ---- */

/* Where a file system of that type is mounted, or -1. */
static int open_mounted(const char *type)
{
	FILE          *file = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	int            fd = -1;

	while (file && fd < 0 && (entry = getmntent(file))) {
		if (strcmp(entry->mnt_type, type) == 0)
			fd = open(entry->mnt_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (file)
		endmntent(file);
	return fd;
}

/* A mount that only this descriptor leads to. */
static int open_unmounted(const char *type)
{
	int config = fsopen(type, FSOPEN_CLOEXEC), fd;

	if (config < 0)
		return -1;
	fd = fsconfig(config, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -1
	     : fsmount(config, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	close(config);
	return fd;
}

void rh_bpf_machine_init(struct rh_bpf_machine *machine)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	machine->cgroup = open_mounted("cgroup2");
	machine->tracefs = open_mounted("tracefs");
	if (machine->tracefs < 0)
		machine->tracefs = open_unmounted("tracefs");
	const char *wanted = getenv("RHODES_BPF_STATS");
	int         is_off = wanted && strcmp(wanted, "off") == 0;

	/* Only CAP_SYS_ADMIN may, so it is for as long as this process is there. */
	machine->stats = is_off ? -1 : bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (machine->stats < 0 && !is_off)
		rh_warn("the kernel does not count how often and how long rules run");
	/* Kernels before 5.11 count maps as locked memory. */
	if (setrlimit(RLIMIT_MEMLOCK, &all) < 0)
		rh_debug("the limit of locked memory stays as it is");
}

/* ---- rights ---- */

static int drop_rights(uint64_t held, struct rh_diag *diag)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct   data[2] = { { 0 }, { 0 } };

	if (syscall(SYS_capget, &head, data) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "capget: %s", strerror(errno));
	uint64_t has = data[0].permitted | (uint64_t)data[1].permitted << 32;
	if ((has & held) != held)
		return rh_diag_set(diag, RH_EPERM, "%s CAP_PERFMON are needed, and this process "
			"has not all of them: start it as root", held == CAPS_HELD
			? "CAP_BPF, CAP_NET_ADMIN and" : "CAP_SYS_ADMIN and");
	for (int cap = 0; cap <= 63; cap++) {
		if (!(held >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(held >> (32 * i));
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "capset: %s", strerror(errno));
	return RH_OK;
}

/* ---- files: Landlock ---- */

/* As in linux/landlock.h of newer kernels than the headers of Debian 12. */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define FS_READ ((1ull << 2) | (1ull << 3)) /* files, directories: not handled, so free */

static int confine_files(struct rh_diag *diag)
{
	int            abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	unsigned       known = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
	struct ruleset handled = { .fs = ((1ull << known) - 1) & ~FS_READ,
	                           .net = abi >= 4 ? 3 : 0, .scoped = abi >= 6 ? 3 : 0 };
	size_t         size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	if (abi < 1) {
		rh_warn("this kernel has no Landlock: that files are not written rests on the "
		        "missing rights alone");
		return RH_OK;
	}
	int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	if (rules < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "Landlock: %s", strerror(errno));
	close(rules);
	return RH_OK;
}

/* ---- system calls: seccomp ---- */

#ifdef RH_REFUSE_ARCH
static const struct sock_filter filter[] = {
	RH_REFUSE_OTHERS
	RH_REFUSE(SYS_execve), RH_REFUSE(SYS_execveat), RH_REFUSE(SYS_socket),
	RH_REFUSE(SYS_connect), RH_REFUSE(SYS_bind),
#if !RH_IS_SANITIZED /* the leak checker looks at its own threads */
	RH_REFUSE(SYS_ptrace),
#endif
	RH_REFUSE_POWERS_BUT_BPF,
	RH_ANSWER(SECCOMP_RET_ALLOW),
};
#endif

#ifdef RH_REFUSE_ARCH
/* Jumps over the permission unless it is that call. */
#define LET(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), RH_ANSWER(SECCOMP_RET_ALLOW)

static const struct sock_filter opener_filter[] = {
	RH_REFUSE_OTHERS
	LET(SYS_recvmsg), LET(SYS_sendmsg), LET(SYS_perf_event_open), LET(SYS_close),
	LET(SYS_exit_group), LET(SYS_rt_sigreturn),
#if RH_IS_SANITIZED
	RH_ANSWER(SECCOMP_RET_ALLOW),
#endif
	RH_REFUSED,
};

static int filter_calls(const struct sock_filter *list, size_t count, struct rh_diag *diag)
{
	struct sock_fprog program = { .len = (unsigned short)count,
		.filter = (struct sock_filter *)(uintptr_t)list };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return RH_OK;
	return rh_diag_set(diag, RH_ENOSYS, "seccomp: %s", strerror(errno));
}
#define FILTER_CALLS(list, diag) filter_calls(list, sizeof(list) / sizeof(list)[0], diag)
#else
#define FILTER_CALLS(list, diag) \
	rh_diag_set(diag, RH_ENOSYS, "no filter is written for this processor")
#endif

static int begin(struct rh_diag *diag)
{
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "no_new_privs: %s", strerror(errno));
	return RH_OK;
}

int rh_bpf_confine(struct rh_diag *diag)
{
	int err = begin(diag);

	if (!err)
		err = drop_rights(CAPS_HELD, diag);
	if (!err)
		err = confine_files(diag);
	return err ? err : FILTER_CALLS(filter, diag);
}

int rh_bpf_confine_opener(struct rh_diag *diag)
{
	int err = begin(diag);

	if (!err)
		err = drop_rights(CAPS_OPENER, diag);
	if (!err)
		err = confine_files(diag);
	return err ? err : FILTER_CALLS(opener_filter, diag);
}
