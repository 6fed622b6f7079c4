/* caller - a program that calls, until its lines of the history are full.
 *
 *   soak-caller FILE FIRST COUNT SEED
 *
 * Each line has a thread of its own, which ends from time to time and is followed by
 * another one, as threads and their pages come and go.  Seldom a call is made by a child
 * of fork. */
#include "player.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRETCH   400 /* choices of one thread */
#define LINES_MAX 16

static int is_full(const struct player *player)
{
	return atomic_load(&player->history->line[player->line].next) >=
	       player->history->per_line;
}

static void forked(struct player *player, uint64_t choice)
{
	pid_t parent = getpid(), pid = fork();
	int   status = -1;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			player_call(player, choice);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "soak-caller: a child of fork ended with %d\n", status);
		_exit(3);
	}
}

static void make_one(struct player *player)
{
	uint64_t choice = player_choice(player, player_next(player));
	uint64_t what = choice % 64;

	choice >>= 6;
	if (what == 0 && choice % 64 == 0)
		forked(player, choice >> 6);
	else if (what == 0)
		player_batch(player, choice);
	else if (what < 3)
		player_steps(player, choice);
	else if (what < 10)
		player_call(player, choice);
	else
		player_stub(player, choice);
}

static void *stretch(void *user)
{
	struct player *player = user;

	while (!player->bytes && rh_open("soak_bytes", 0, &player->bytes) < 0)
		;
	for (int i = 0; i < STRETCH && !is_full(player); i++)
		make_one(player);
	return NULL;
}

static void *play(void *user)
{
	struct player       *player = user;
	struct history_line *line = &player->history->line[player->line];
	pthread_t            thread;

	player->life = atomic_fetch_add(&line->life, 1) + 1;
	player->in = malloc(PLAYER_BYTES_MAX + sizeof(uint64_t));
	player->out = malloc(PLAYER_BYTES_MAX);
	while (!is_full(player)) {
		if (pthread_create(&thread, NULL, stretch, player) != 0) {
			fprintf(stderr, "soak-caller: no thread\n");
			exit(3);
		}
		pthread_join(thread, NULL);
	}
	atomic_store(&line->ended, player->life);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct player players[LINES_MAX];
	pthread_t            threads[LINES_MAX];
	struct history      *history = argc == 5 ? history_open(argv[1]) : NULL;
	unsigned             first, count;

	if (!history) {
		fprintf(stderr, "usage: soak-caller FILE FIRST COUNT SEED\n");
		return 2;
	}
	first = (unsigned)strtoul(argv[2], NULL, 10);
	count = (unsigned)strtoul(argv[3], NULL, 10);
	if (count > LINES_MAX || first + count > history->lines)
		return 2;
	for (unsigned i = 0; i < count; i++) {
		players[i] = (struct player){ .history = history, .line = first + i,
		                              .seed = strtoull(argv[4], NULL, 10) };
		pthread_create(&threads[i], NULL, play, &players[i]);
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
