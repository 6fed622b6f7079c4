#include "machine.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

unsigned char *bench_payload(size_t size)
{
	size_t         room = (size + 8191) & ~(size_t)4095;
	unsigned char *bytes = aligned_alloc(4096, room);

	if (bytes == NULL)
		bench_die("payload");
	for (size_t i = 0; i < room; i++)
		bytes[i] = (unsigned char)(i * 131 + 7);
	return bytes;
}

/* What this process may use at all, as it was when it started. */
static cpu_set_t allowed;

__attribute__((constructor)) static void read_allowed(void)
{
	if (sched_getaffinity(0, sizeof allowed, &allowed))
		CPU_SET(0, &allowed);
}

unsigned bench_cpus(void)
{
	return (unsigned)CPU_COUNT(&allowed);
}

static void cpus_of(enum bench_place place, int is_server, cpu_set_t *set)
{
	size_t first = 0, last = CPU_SETSIZE - 1;

	while (first < last && !CPU_ISSET(first, &allowed))
		first++;
	while (last > first && !CPU_ISSET(last, &allowed))
		last--;
	if (place == BENCH_FREE) {
		*set = allowed;
		return;
	}
	CPU_ZERO(set);
	CPU_SET(place == BENCH_TWO && !is_server ? first : last, set);
}

void bench_place(enum bench_place place, int is_server)
{
	cpu_set_t set;

	cpus_of(place, is_server, &set);
	if (sched_setaffinity(0, sizeof set, &set))
		bench_die("sched_setaffinity");
}

void bench_place_process(pid_t pid, enum bench_place place, int is_server)
{
	char           path[64];
	struct dirent *entry;
	cpu_set_t      set;
	DIR           *tasks;

	cpus_of(place, is_server, &set);
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)) != NULL) {
		pid_t thread = (pid_t)atoi(entry->d_name);

		/* A thread that ended meanwhile is no harm. */
		if (thread > 0)
			sched_setaffinity(thread, sizeof set, &set);
	}
	if (tasks)
		closedir(tasks);
}

static uint64_t cpu_of(pid_t pid)
{
	struct timespec spent;
	clockid_t       id;

	if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &spent))
		return 0;
	return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

uint64_t bench_cpu(const struct bench_run *run)
{
	uint64_t sum = cpu_of(getpid());

	for (unsigned i = 0; i < run->pid_count; i++)
		sum += cpu_of(run->pids[i]);
	return sum;
}

uint64_t bench_busy(void)
{
	unsigned long long v[7] = { 0 };
	FILE *file = fopen("/proc/stat", "r");
	int   got;

	if (file == NULL)
		return 0;
	got = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2,
	             v + 3, v + 4, v + 5, v + 6);
	fclose(file);
	if (got != 7)
		return 0;
	return (uint64_t)(v[0] + v[1] + v[2] + v[5] + v[6]) *
	       (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}
