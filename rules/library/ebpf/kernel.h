/* kernel - what the rules here look at of the kernel's own structures.
 *
 * Where the members lie is settled when a rule is loaded, by the types of the kernel that
 * runs (CO-RE), so only those that are used stand here.  Mode ebpf. */
#ifndef RHODES_EBPF_KERNEL_H
#define RHODES_EBPF_KERNEL_H

#include "endpoint.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block {
	__u32 s_dev;
};

struct inode {
	unsigned long       i_ino;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
};

struct mm_struct {
	struct file *exe_file;
};

struct task_struct {
	struct mm_struct   *mm;
	struct task_struct *real_parent;
};

#pragma clang attribute pop

/* Which file a process runs, as stat(2) tells it: st_dev by makedev(major, minor). */
struct program {
	__u64 inode;
	__u32 major, minor;
};

static __always_inline void read_program(struct task_struct *task, struct program *program)
{
	__u32 device = BPF_CORE_READ(task, mm, exe_file, f_inode, i_sb, s_dev);

	program->inode = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino);
	program->major = device >> 20;
	program->minor = device & 0xfffff;
}

static __always_inline void read_four(struct bpf_sock_addr *context, struct endpoint *at)
{
	uint32_t address[4] = { context->user_ip4 };

	endpoint_read(at, 0, address, context->user_port);
}

static __always_inline void read_six(struct bpf_sock_addr *context, struct endpoint *at)
{
	uint32_t address[4] = { context->user_ip6[0], context->user_ip6[1],
	                        context->user_ip6[2], context->user_ip6[3] };

	endpoint_read(at, 1, address, context->user_port);
}

#endif
