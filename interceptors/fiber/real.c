#include "real.h"

#include <dlfcn.h>

struct rh_real rh_real;
bool rh_real_ready;

void rh_real_load(void)
{
	union {
		void *object;
		void (*function)(void);
	} found;

#define FIND(name) \
	found.object = dlsym(RTLD_NEXT, #name); \
	rh_real.name = (__typeof__(rh_real.name))found.function;
	RH_REAL_FUNCTIONS(FIND)
#undef FIND
	found.object = dlsym(RTLD_NEXT, "siglongjmp");
	rh_real.siglongjmp = (void (*)(sigjmp_buf, int))found.function;
	found.object = dlsym(RTLD_NEXT, "pthread_exit");
	rh_real.pthread_exit = (void (*)(void *))found.function;
	rh_real_ready = true;
}
