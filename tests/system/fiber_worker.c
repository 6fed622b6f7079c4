/* Eight threads that work and hand each other a lock, for as long as there is input: each
 * line is answered by "rounds ROUNDS", once every thread has done a hundred rounds since.
 * In the end the sum of what each counted must be what was counted under the lock. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define THREADS 8
#define ROUNDS  100u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  changed = PTHREAD_COND_INITIALIZER;
static uint64_t        total, own[THREADS]; /* under lock */
static _Atomic int     is_over;

static void *work(void *user)
{
	uint64_t *count = user;
	uint64_t  at = (uintptr_t)user;

	while (!atomic_load(&is_over)) {
		for (int i = 0; i < 20000; i++)
			at = at * 6364136223846793005u + 1442695040888963407u;
		pthread_mutex_lock(&lock);
		total++;
		*count += at == 7 ? 2 : 1;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void await_all(void)
{
	uint64_t wanted[THREADS];

	pthread_mutex_lock(&lock);
	for (int i = 0; i < THREADS; i++)
		wanted[i] = own[i] + ROUNDS;
	for (int i = 0; i < THREADS; i++)
		while (own[i] < wanted[i])
			pthread_cond_wait(&changed, &lock);
	printf("rounds %llu\n", (unsigned long long)total);
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}

int main(void)
{
	pthread_t threads[THREADS];
	uint64_t  sum = 0;
	char      line[16];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, &own[i]);
	while (fgets(line, sizeof line, stdin))
		await_all();
	atomic_store(&is_over, 1);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += own[i];
	}
	puts(sum == total ? "right" : "wrong");
	return sum != total;
}
