#include "sched.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of Linux 3.14, which every later kernel takes. */
struct kernel_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t  nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

_Static_assert(sizeof(struct kernel_attr) == 48, "the kernel's");

int rh_sched_get(pid_t tid, struct rh_sched_attr *ret_attr)
{
	struct kernel_attr attr = { .size = sizeof attr };

	if (syscall(SYS_sched_getattr, tid, &attr, sizeof attr, 0u) < 0)
		return -errno;
	*ret_attr = (struct rh_sched_attr){
		.policy = attr.policy, .flags = (uint32_t)attr.flags, .nice = attr.nice,
		.priority = attr.priority, .runtime_ns = attr.runtime,
		.deadline_ns = attr.deadline, .period_ns = attr.period,
	};
	return 0;
}

int rh_sched_set(pid_t tid, const struct rh_sched_attr *attr)
{
	struct kernel_attr wanted = {
		.size = sizeof wanted, .policy = attr->policy, .flags = attr->flags,
		.nice = attr->nice, .priority = attr->priority,
		.runtime = attr->runtime_ns, .deadline = attr->deadline_ns,
		.period = attr->period_ns,
	};

	return syscall(SYS_sched_setattr, tid, &wanted, 0u) < 0 ? -errno : 0;
}

const char *rh_sched_class_text(uint32_t policy)
{
	switch (policy) {
	case RH_CLASS_OTHER:
		return "OTHER";
	case RH_CLASS_FIFO:
		return "FIFO";
	case RH_CLASS_RR:
		return "RR";
	case RH_CLASS_BATCH:
		return "BATCH";
	case RH_CLASS_IDLE:
		return "IDLE";
	case RH_CLASS_DEADLINE:
		return "DEADLINE";
	case RH_CLASS_EXT:
		return "EXT";
	default:
		return "?";
	}
}

int rh_sched_is_privileged(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct   data[2];

	memset(data, 0, sizeof data);
	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return (data[CAP_SYS_NICE / 32].effective >> CAP_SYS_NICE % 32 & 1u) != 0;
}
