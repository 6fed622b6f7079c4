#include "jail_rights.h"

#include "jail.h"

#include "../../base/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/prctl.h>
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

#ifdef RH_REFUSE_ARCH
/* A compiler needs files, memory and children; what else there is, it does without. */
static const struct sock_filter filter[] = {
	RH_REFUSE_OTHERS
	RH_REFUSE_POWERS,
	RH_REFUSE(SYS_socket), RH_REFUSE(SYS_socketpair), RH_REFUSE(SYS_connect),
	RH_REFUSE(SYS_bind), RH_REFUSE(SYS_ptrace), RH_REFUSE(SYS_kill), RH_REFUSE(SYS_tkill),
	RH_REFUSE(SYS_pidfd_send_signal), RH_REFUSE(SYS_pidfd_getfd), RH_REFUSE(SYS_setsid),
	RH_REFUSE(SYS_setpgid), RH_REFUSE(SYS_prlimit64), RH_REFUSE(SYS_shmget),
	RH_REFUSE(SYS_msgget), RH_REFUSE(SYS_semget), RH_REFUSE(SYS_mq_open),
	RH_REFUSE(SYS_memfd_create),
	/* Its flags are in memory, where no filter sees them; libc goes on with clone. */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
	RH_ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
	RH_ANSWER(SECCOMP_RET_ALLOW),
};
#endif

static int filter_calls(unsigned *ret_missing)
{
#ifdef RH_REFUSE_ARCH
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
