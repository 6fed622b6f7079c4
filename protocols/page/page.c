#include "view.h"

#include "../../base/await.h"
#include "../../model/check.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void rh_page_format(void *memory, uint64_t id, uint64_t attachment,
                    uint64_t instance, uint16_t flags)
{
	struct rh_page_head *head = memory;

	head->fixed = (struct rh_page_fixed){
		.magic = RH_PAGE_MAGIC, .version = RH_WIRE_VERSION, .flags = flags,
		.id = id, .attachment = attachment, .instance = instance,
	};
}

int rh_page_check(const void *memory)
{
	const volatile struct rh_page_fixed *fixed = memory;

	if (fixed->magic != RH_PAGE_MAGIC)
		return RH_EPROTO;
	return fixed->version == RH_WIRE_VERSION ? RH_OK : RH_EVERSION;
}

void rh_page_view(struct rh_page *page, void *memory)
{
	page->base = memory;
	page->head = memory;
	page->slots = (struct rh_slot *)(void *)(page->base + RH_PAGE_SLOTS_OFF);
}

void rh_page_retire(struct rh_page_head *head)
{
	atomic_store_explicit(&head->server.life, RH_PAGE_RETIRED, memory_order_release);
}

int rh_page_is_idle(const struct rh_page_head *head)
{
	return atomic_load_explicit(&head->by_caller.busy, memory_order_acquire) == 0;
}

/* The kind that interrupts only those who joined: the other waits for a grace period
 * of the kernel, tens of milliseconds. */
int rh_page_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

void rh_page_join_barrier(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

void rh_bell_ring(_Atomic uint32_t *bell)
{
	atomic_fetch_add_explicit(bell, 1, memory_order_seq_cst);
	syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void rh_bell_sleep(_Atomic uint32_t *bell, uint32_t seen, uint64_t until_ns)
{
	rh_await_word(bell, seen, until_ns, -1);
}
