/* stage - a caller under test, its agent (a thread) and workers (processes).
 *
 * The SDK keeps one session per process, so each case of a test program runs in a
 * process of its own: without arguments the program starts itself once for each
 * case, ends what hangs, and shows what a failed case printed.
 *
 * The paths of the build come from the environment; see meson.build. */
#ifndef RH_TESTS_STAGE_H
#define RH_TESTS_STAGE_H

#include "things.h"

#include "../support/mini_agent.h"
#include "../support/scene.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

enum { STAGE_WORKERS = 8 };

struct stage {
	char                  dir[SCENE_PATH];
	char                  agent_path[SCENE_PATH + 16];
	char                  ledger_path[SCENE_PATH + 16];
	struct things_ledger *ledger;
	struct mini_agent    *agent;
	pid_t                 workers[STAGE_WORKERS];
	unsigned              worker_count;
};

extern struct stage stage;

/* An agent that listens, a ledger, and RHODES_AGENT; no worker yet. */
void stage_up(const struct mini_options *options);
void stage_down(void);

/* Starts a worker of things, or of the functions of bytes_worker.c, and returns when
 * the agent knows it. */
pid_t stage_things(unsigned threads);
pid_t stage_bytes(unsigned threads);

/* The same without waiting. */
pid_t stage_start(const char *kind, unsigned threads);

void stage_kill(pid_t pid);

/* How often the call with that id ran. */
unsigned stage_ran(int id);

/* Waits until so many calls are held in the callee. */
void stage_await_held(unsigned n);
void stage_open_gate(void);

/* Lets one call that bytes_worker holds go on. */
void stage_free(int id);

/* Waits until that thread, of this process or a child, sleeps in that system call. */
void stage_await_syscall(pid_t tid, long number);

/* A thread whose id is known when this returns. */
struct stage_thread {
	pthread_t    id;
	_Atomic int  tid;
	void       *(*run)(void *user);
	void        *user;
};
void stage_thread_start(struct stage_thread *thread, void *(*run)(void *), void *user);
void stage_thread_join(struct stage_thread *thread);

int stage_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count);
#define STAGE_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		return stage_main(argc, argv, tests, sizeof tests / sizeof tests[0]); \
	}

#endif
