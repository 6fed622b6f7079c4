/* view - what both ends of a page share; private to this folder. */
#ifndef RH_PROTOCOLS_PAGE_VIEW_H
#define RH_PROTOCOLS_PAGE_VIEW_H

#include "page.h"

void rh_page_view(struct rh_page *page, void *memory);

static inline uint32_t slot_body_off(uint32_t slot)
{
	return RH_PAGE_SLOTS_OFF + slot * RH_PAGE_SLOT_BYTES +
	       (uint32_t)offsetof(struct rh_slot, body);
}

static inline uint32_t slot_small_off(uint32_t slot)
{
	return RH_PAGE_SLOTS_OFF + slot * RH_PAGE_SLOT_BYTES +
	       (uint32_t)offsetof(struct rh_slot, answer) +
	       (uint32_t)offsetof(struct rh_slot_answer, small);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
