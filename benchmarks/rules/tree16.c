/* tree16 - sixteen decisions of tree for one guard: what the code alone costs. */
#include <rhodes/hook/filter.h>

static int32_t decide(void);

#define rh_filter_before decide
#include "tree.c"
#undef rh_filter_before

int32_t rh_filter_before(void)
{
	int32_t last = 0;

	for (int i = 0; i < 16; i++) {
		rh_filter.now_ns += 700000;
		last = decide();
	}
	return last;
}
