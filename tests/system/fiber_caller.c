/* Threads that call a governed library, beside threads that only compute.  What they are to
 * do comes by lines of input, and each is answered by a line:
 *
 *   hold     every caller calls hold(), which its callee answers when it likes
 *   burn     answered when each of the others has done a hundred rounds since
 *   signal   every caller gets a signal; answered when all have handled it
 *   results  answered when all callers are back: what each was told, with its errno
 *   cancel   every caller is cancelled; answered when all have ended so */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY   32
#define ROUNDS 100u

struct caller {
	pthread_t thread;
	pid_t     tid;
	int       number, value, err_no, done; /* done: under lock */
};

static struct caller    callers[MANY];
static _Atomic uint64_t rounds[MANY];
static pthread_t        burners[MANY];
static int              caller_count, burner_count, wanted, ready; /* under lock */
static _Atomic int      is_over, handled;
static pthread_mutex_t  lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t   changed = PTHREAD_COND_INITIALIZER;
static int            (*hold)(int), (*quick)(int);

static void *burn(void *user)
{
	_Atomic uint64_t *own = user;
	uint64_t          at = 1;

	while (!atomic_load(&is_over)) {
		for (int i = 0; i < 20000; i++)
			at = at * 6364136223846793005u + 1442695040888963407u;
		atomic_fetch_add(own, 1 + (at == 7));
	}
	return NULL;
}

/* What is to be done next; 0: nothing any more. */
static int next(struct caller *own)
{
	int found;

	pthread_mutex_lock(&lock);
	while (own->done == wanted && !is_over)
		pthread_cond_wait(&changed, &lock);
	found = own->done != wanted;
	pthread_mutex_unlock(&lock);
	return found;
}

static void say_done(int *what)
{
	pthread_mutex_lock(&lock);
	++*what;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void *call(void *user)
{
	struct caller *own = user;

	own->tid = gettid();
	if (quick(own->number) != own->number + 1)
		abort();
	say_done(&ready);
	while (next(own)) {
		errno = 0;
		own->value = hold(own->number);
		own->err_no = errno;
		say_done(&own->done);
	}
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static void await_burners(void)
{
	uint64_t from[MANY];

	for (int i = 0; i < burner_count; i++)
		from[i] = atomic_load(&rounds[i]);
	for (int i = 0; i < burner_count; i++)
		while (atomic_load(&rounds[i]) < from[i] + ROUNDS)
			sched_yield();
	puts("burnt");
}

static void signal_all(void)
{
	int from = atomic_load(&handled);

	for (int i = 0; i < caller_count; i++)
		pthread_kill(callers[i].thread, SIGUSR1);
	while (atomic_load(&handled) < from + caller_count)
		sched_yield();
	puts("handled");
}

static void tell_results(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < caller_count; i++) {
		while (callers[i].done != wanted)
			pthread_cond_wait(&changed, &lock);
		printf("%d/%d ", callers[i].value, callers[i].err_no);
	}
	pthread_mutex_unlock(&lock);
	putchar('\n');
}

static void cancel_all(void)
{
	int count = 0;

	for (int i = 0; i < caller_count; i++)
		pthread_cancel(callers[i].thread);
	for (int i = 0; i < caller_count; i++) {
		void *value = NULL;

		pthread_join(callers[i].thread, &value);
		count += value == PTHREAD_CANCELED;
	}
	caller_count = 0;
	printf("cancelled %d\n", count);
}

static void obey(const char *line)
{
	if (strcmp(line, "hold\n") == 0) {
		say_done(&wanted);
		puts("begun");
	} else if (strcmp(line, "burn\n") == 0) {
		await_burners();
	} else if (strcmp(line, "signal\n") == 0) {
		signal_all();
	} else if (strcmp(line, "results\n") == 0) {
		tell_results();
	} else {
		cancel_all();
	}
	fflush(stdout);
}

static void start(void)
{
	void *library = dlopen("libheld.so.1", RTLD_NOW);

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&hold = dlsym(library, "hold");
	*(void **)&quick = dlsym(library, "quick");
	for (int i = 0; i < caller_count; i++) {
		callers[i].number = i;
		pthread_create(&callers[i].thread, NULL, call, &callers[i]);
	}
	pthread_mutex_lock(&lock);
	while (ready < caller_count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < burner_count; i++)
		pthread_create(&burners[i], NULL, burn, &rounds[i]);
	for (int i = 0; i < caller_count; i++)
		printf("%d ", (int)callers[i].tid);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char *argv[])
{
	char line[16];

	caller_count = argc > 1 ? atoi(argv[1]) : 1;
	burner_count = argc > 2 ? atoi(argv[2]) : 1;
	if (caller_count > MANY || burner_count > MANY)
		return 2;
	signal(SIGUSR1, on_signal);
	start();
	while (fgets(line, sizeof line, stdin))
		obey(line);
	pthread_mutex_lock(&lock);
	atomic_store(&is_over, 1);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < caller_count; i++)
		pthread_join(callers[i].thread, NULL);
	for (int i = 0; i < burner_count; i++)
		pthread_join(burners[i], NULL);
	return 0;
}
