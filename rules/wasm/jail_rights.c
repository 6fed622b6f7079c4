#include "jail_rights.h"

#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- rights of root: none, and none by executing ---- */

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct   none[2] = { { 0 }, { 0 } };

	/* A plain user has nothing to drop, and may not. */
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	return (int)syscall(SYS_capset, &head, none);
}

/* ---- files and network: Landlock ---- */

/* As in linux/landlock.h of newer kernels than the headers of Debian 12. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct beneath {
	uint64_t allowed;
	int32_t  fd;
} __attribute__((packed));

#define FS_EXECUTE    (1u << 0)
#define FS_WRITE_FILE (1u << 1)
#define FS_READ_FILE  (1u << 2)
#define FS_READ_DIR   (1u << 3)
#define FS_READ       (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
#define RULE_PATH     1

static uint64_t fs_known(int abi)
{
	uint64_t first = (1u << 13) - 1;

	if (abi >= 2)
		first |= 1u << 13; /* refer */
	if (abi >= 3)
		first |= 1u << 14; /* truncate */
	if (abi >= 5)
		first |= 1u << 15; /* ioctl of devices */
	return first;
}

static int allow(int rules, const char *path, uint64_t what)
{
	struct beneath rule = { .allowed = what };
	int            err;

	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd < 0)
		return errno == ENOENT ? 0 : -1; /* not on every system */
	err = (int)syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0);
	close(rule.fd);
	return err;
}

static int confine_files(const char *folder, unsigned *ret_missing)
{
	static const char *const read_only[] = {
		"/usr", "/lib", "/lib64", "/bin", "/etc/alternatives",
	};
	int            abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	struct ruleset handled = { .fs = fs_known(abi), .net = 3, .scoped = 3 };
	size_t         size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int            rules;

	if (abi < 1) {
		*ret_missing |= RH_JAIL_NO_LANDLOCK;
		return 0;
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	if (rules < 0)
		return -1;
	for (size_t i = 0; i < sizeof read_only / sizeof read_only[0]; i++)
		if (allow(rules, read_only[i], FS_READ) < 0)
			return -1;
	if (allow(rules, "/etc/ld.so.cache", FS_READ_FILE) < 0 ||
	    allow(rules, "/dev/null", FS_READ_FILE | FS_WRITE_FILE) < 0 ||
	    allow(rules, folder, handled.fs) < 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}

/* ---- system calls: seccomp ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define REFUSED        (SECCOMP_RET_ERRNO | EPERM)
#define REFUSE(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), ANSWER(REFUSED)

#ifdef ARCH
/* A compiler needs files, memory and children; what else there is, it does without. */
static const struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	ANSWER(REFUSED),
	LOAD(nr),
#ifdef __x86_64__
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1), ANSWER(REFUSED),
#endif
	REFUSE(SYS_socket), REFUSE(SYS_socketpair), REFUSE(SYS_connect), REFUSE(SYS_bind),
	REFUSE(SYS_ptrace), REFUSE(SYS_process_vm_readv), REFUSE(SYS_process_vm_writev),
	REFUSE(SYS_kill), REFUSE(SYS_tkill), REFUSE(SYS_pidfd_send_signal),
	REFUSE(SYS_pidfd_getfd), REFUSE(SYS_setsid), REFUSE(SYS_setpgid),
	REFUSE(SYS_mount), REFUSE(SYS_umount2), REFUSE(SYS_pivot_root), REFUSE(SYS_chroot),
	REFUSE(SYS_move_mount), REFUSE(SYS_open_tree), REFUSE(SYS_fsopen),
	REFUSE(SYS_fsmount), REFUSE(SYS_setns), REFUSE(SYS_unshare), REFUSE(SYS_bpf),
	REFUSE(SYS_perf_event_open), REFUSE(SYS_userfaultfd), REFUSE(SYS_io_uring_setup),
	REFUSE(SYS_keyctl), REFUSE(SYS_add_key), REFUSE(SYS_request_key),
	REFUSE(SYS_init_module), REFUSE(SYS_finit_module), REFUSE(SYS_delete_module),
	REFUSE(SYS_kexec_load), REFUSE(SYS_kexec_file_load), REFUSE(SYS_reboot),
	REFUSE(SYS_swapon), REFUSE(SYS_swapoff), REFUSE(SYS_setuid), REFUSE(SYS_setgid),
	REFUSE(SYS_setreuid), REFUSE(SYS_setregid), REFUSE(SYS_setresuid),
	REFUSE(SYS_setresgid), REFUSE(SYS_setgroups), REFUSE(SYS_capset),
	REFUSE(SYS_prlimit64), REFUSE(SYS_shmget), REFUSE(SYS_msgget), REFUSE(SYS_semget),
	REFUSE(SYS_mq_open), REFUSE(SYS_memfd_create),
	/* Its flags are in memory, where no filter sees them; libc goes on with clone. */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
	ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
	ANSWER(SECCOMP_RET_ALLOW),
};
#endif

static int filter_calls(unsigned *ret_missing)
{
#ifdef ARCH
	struct sock_fprog program = {
		.len = sizeof filter / sizeof filter[0],
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
#endif
	*ret_missing |= RH_JAIL_NO_SECCOMP;
	return 0;
}

int rh_jail_rights(const char *folder, unsigned *ret_missing)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || drop_capabilities() < 0 ||
	    confine_files(folder, ret_missing) < 0)
		return -1;
	return filter_calls(ret_missing);
}
