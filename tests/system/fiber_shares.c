/* Two threads that the program is good to, and two of nice 10, which all work until there
 * is no input any more. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#define THREADS 4

static _Atomic int is_over;

static void *work(void *nice)
{
	volatile unsigned long x = 1;

	if (setpriority(PRIO_PROCESS, 0, (int)(intptr_t)nice))
		return nice;
	while (!atomic_load(&is_over))
		x = x * 3 + 1;
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	int       failed = 0;

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i % 2 * 10));
	while (getchar() != EOF)
		;
	atomic_store(&is_over, 1);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		failed += result != NULL;
	}
	return failed;
}
