#include "unwinding.h"

#include "code.h"
#include "real.h"
#include "runtime.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unwind.h>

typedef _Unwind_Reason_Code personality(int version, _Unwind_Action actions,
					_Unwind_Exception_Class kind,
					struct _Unwind_Exception *exception,
					struct _Unwind_Context *context);
typedef void resume(struct _Unwind_Exception *exception);

static personality *_Atomic found_personality;
static resume *_Atomic found_resume;

void rh_unwinding_ready(void)
{
	union {
		void *object;
		personality *personality;
		resume *resume;
	} at;
	void *library;

	if (atomic_load(&found_resume))
		return;
	library = rh_real_get()->dlopen("libgcc_s.so.1", RTLD_NOW);
	if (!library)
		abort(); /* as the C library does */
	at.object = dlsym(library, "__gcc_personality_v0");
	atomic_store(&found_personality, at.personality);
	at.object = dlsym(library, "_Unwind_Resume");
	atomic_store(&found_resume, at.resume);
	if (rh_runtime_runs())
		rh_code_look();
}

/* The names are the compiler's. */
personality __gcc_personality_v0;

_Unwind_Reason_Code __gcc_personality_v0(int version, _Unwind_Action actions,
					 _Unwind_Exception_Class kind,
					 struct _Unwind_Exception *exception,
					 struct _Unwind_Context *context)
{
	rh_unwinding_ready();
	return atomic_load(&found_personality)(version, actions, kind, exception, context);
}

void _Unwind_Resume(struct _Unwind_Exception *exception)
{
	rh_unwinding_ready();
	atomic_load(&found_resume)(exception);
	abort();
}
